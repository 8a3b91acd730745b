/** How long a run measures what; all of it together stays under ten minutes. */
export type Plan = {
  /** Rounds of the closed loop at each number of connections. */
  readonly rounds: Readonly<Record<number, number>>;
  /**
   * Seconds under load before the first round. V8 compiles while it learns: a process that has run for
   * a second does half of what it does for the rest of its days.
   */
  readonly warmUp: number;
  /** Seconds of one round. */
  readonly window: number;
  readonly openSeconds: number;
  readonly openRounds: number;
  readonly streamEvents: number;
  readonly firstBytes: number;
  readonly coldStarts: number;
};

export const full: Plan = {
  rounds: { 1: 2, 16: 2, 64: 4, 256: 1 },
  warmUp: 4,
  window: 1,
  openSeconds: 2,
  openRounds: 2,
  streamEvents: 40,
  firstBytes: 100,
  coldStarts: 2,
};

/** To see the harness work; its figures mean nothing. */
export const quick: Plan = {
  rounds: { 1: 1, 64: 1 },
  warmUp: 1,
  window: 1,
  openSeconds: 1,
  openRounds: 1,
  streamEvents: 10,
  firstBytes: 20,
  coldStarts: 1,
};
