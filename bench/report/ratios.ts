import type { Measured, Results } from "./results.ts";

/** One contender as a reader compares it: ratios to the bare runtime, and what it adds to direct. */
export type Row = {
  readonly title: string;
  readonly job: string;
  readonly name: string;
  /** Of what the bare runtime does, at 64 connections. */
  readonly throughput: number;
  readonly perSecond: number;
  /** Milliseconds added to direct: one request at a time, median. */
  readonly added: number;
  /** Milliseconds, 99 of 100: at half of what the slowest can do, and at half of the gateway's own. */
  readonly openP99: number | undefined;
  readonly halfLoadP99: number | undefined;
  /** Milliseconds added to a stream's first byte, and to each event. */
  readonly firstByteAdded: number;
  readonly eventAdded: number;
  readonly eventAddedP99: number;
  readonly batched: number;
  readonly sameBytes: boolean;
  /** Microseconds. */
  readonly cpu: number;
  /** MB. */
  readonly atRest: number;
  readonly atLoad: number;
  readonly streaming: number;
  /** Milliseconds. */
  readonly coldStart: number;
};

export function named(results: Results, name: string): Measured | undefined {
  return results.contenders.find((contender) => contender.name === name);
}

export function rows(results: Results): readonly Row[] {
  const bare = named(results, "node-undici");
  const direct = named(results, "direct");
  return results.contenders.map((one) => {
    const [some, many] = one.streams;
    const [directSome] = direct?.streams ?? [];
    const at64 = one.closed[64];
    return {
      name: one.name,
      title: one.title,
      job: one.job === "model" ? "model, token" : "pass through",
      perSecond: at64?.perSecond ?? Number.NaN,
      throughput: (at64?.perSecond ?? Number.NaN) / (bare?.closed[64]?.perSecond ?? Number.NaN),
      added: less(one.closed[1]?.p50, direct?.closed[1]?.p50),
      openP99: one.open?.p99,
      halfLoadP99: one.halfLoad?.p99,
      firstByteAdded: less(one.firstByte, direct?.firstByte),
      eventAdded: less(some?.p50, directSome?.p50),
      eventAddedP99: less(some?.p99, directSome?.p99),
      batched: some?.batched ?? Number.NaN,
      sameBytes: one.streams.every(({ sameBytes }) => sameBytes),
      cpu: at64?.cpu ?? Number.NaN,
      atRest: one.atRest / 1e6,
      atLoad: Math.max(...Object.values(one.closed).map(({ memory }) => memory)) / 1e6,
      streaming: (many?.memory ?? Number.NaN) / 1e6,
      coldStart: one.coldStart,
    };
  });
}

function less(value: number | undefined, from: number | undefined): number {
  return (value ?? Number.NaN) - (from ?? Number.NaN);
}
