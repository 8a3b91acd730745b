import { type Ask, small } from "../job.ts";
import type { Loader } from "../load/loader.ts";
import type { Tally } from "../load/tally.ts";
import { settle, usageOf } from "../process/usage.ts";
import type { Running } from "../start.ts";
import { median, rotated } from "./statistics.ts";

export type ClosedFigures = {
  /** Requests per second. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of the contender's processor time per request. */
  readonly cpu: number;
  /** Bytes, the most seen after a round. */
  readonly memory: number;
  readonly failures: number;
  readonly firstFailure: string | undefined;
};

export type Round = {
  readonly connections: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly ask?: Ask;
};

type Sample = { readonly tally: Tally; readonly cpu: number; readonly memory: number };

/** Rounds that go from contender to contender, so that a slow minute of the machine hits all alike. */
export async function closedRounds(
  field: readonly Running[],
  loader: Loader,
  { connections, rounds, seconds, ask = small }: Round,
): Promise<ReadonlyMap<string, ClosedFigures>> {
  const samples = new Map<string, Sample[]>(field.map(({ contender }) => [contender.name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { contender, child, target } of rotated(field, round)) {
      const before = usageOf(child.pid);
      const tally = await loader.closed({ target, ask, connections, seconds });
      const after = usageOf(child.pid);
      const cpu = ((after.cpu - before.cpu) / Math.max(1, tally.requests)) * 1e6;
      samples.get(contender.name)?.push({ tally, cpu, memory: after.memory });
      await settle(child.pid);
    }
  }
  return new Map([...samples].map(([name, list]) => [name, figuresOf(list)]));
}

function figuresOf(samples: readonly Sample[]): ClosedFigures {
  return {
    perSecond: median(samples.map(({ tally }) => tally.perSecond)),
    p50: median(samples.map(({ tally }) => tally.latency.p50)),
    p99: median(samples.map(({ tally }) => tally.latency.p99)),
    cpu: median(samples.map(({ cpu }) => cpu)),
    memory: Math.max(...samples.map(({ memory }) => memory)),
    failures: samples.reduce((sum, { tally }) => sum + tally.failures, 0),
    firstFailure: samples.find(({ tally }) => tally.firstFailure !== undefined)?.tally.firstFailure,
  };
}
