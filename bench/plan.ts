/** How long a run measures what; all of it together stays under ten minutes. */
export type Plan = {
  /** Numbers of connections of the closed loop, the quickest last: by then all is warm. */
  readonly levels: readonly number[];
  /** Those that are measured once. */
  readonly lastLevels: readonly number[];
  /** How often each contender is visited, and each gateway with a feature. */
  readonly rounds: number;
  readonly featureRounds: number;
  /** Seconds under load at the beginning of each visit that are not measured. */
  readonly runIn: number;
  /**
   * Seconds under load before the first round. V8 compiles while it learns: a process that has run for
   * a second does half of what it does for the rest of its days.
   */
  readonly warmUp: number;
  /** Seconds of one measurement. */
  readonly window: number;
  readonly openSeconds: number;
  /** Beyond the first, of what is compared. */
  readonly openRounds: number;
  readonly streamEvents: number;
  readonly firstByteRounds: number;
  readonly firstBytes: number;
  /** Beyond the first, of what is compared. */
  readonly moreStarts: number;
};

export const full: Plan = {
  levels: [1, 64],
  lastLevels: [16, 256],
  rounds: 3,
  featureRounds: 3,
  runIn: 1,
  warmUp: 3,
  window: 1,
  openSeconds: 1.5,
  openRounds: 3,
  streamEvents: 30,
  firstByteRounds: 3,
  firstBytes: 100,
  moreStarts: 2,
};

/** To see the harness work; its figures mean nothing. */
export const quick: Plan = {
  levels: [1, 64],
  lastLevels: [],
  rounds: 1,
  featureRounds: 1,
  runIn: 1,
  warmUp: 1,
  window: 1,
  openSeconds: 1,
  openRounds: 1,
  streamEvents: 10,
  firstByteRounds: 1,
  firstBytes: 20,
  moreStarts: 1,
};
