import { type Ask, small } from "../job.ts";
import type { Loader } from "../load/loader.ts";
import type { Tally } from "../load/tally.ts";
import { settle, usageOf } from "../process/usage.ts";
import type { Running } from "../start.ts";
import { median } from "./statistics.ts";
import { type Round, visit } from "./visits.ts";

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

export type Levels = {
  /** Numbers of connections measured at each visit, one after the other. */
  readonly levels: readonly number[];
  /** And those in the last round only. */
  readonly lastLevels?: readonly number[];
  /** Of load at the last level before anything is measured: others have had the caches meanwhile. */
  readonly runIn: number;
  /** At each level. */
  readonly seconds: number;
};

type Sample = { readonly tally: Tally; readonly cpu: number; readonly memory: number };

/** By the number of connections, and by contender. */
export async function closedRounds(
  rounds: readonly Round[],
  loader: Loader,
  { levels, lastLevels = [], runIn, seconds }: Levels,
): Promise<ReadonlyMap<number, ReadonlyMap<string, ClosedFigures>>> {
  const all = [...levels, ...lastLevels];
  const visits = await visit(rounds, async (running, isLast) => {
    const connections = levels.at(-1) ?? 1;
    if (runIn > 0 && running.contender.runtime === "node") {
      await loader.closed({ target: running.target, ask: small, connections, seconds: runIn });
    }
    const samples = new Map<number, Sample>();
    for (const level of isLast ? all : levels) {
      const load = { ask: small, connections: level, seconds };
      samples.set(level, await measure(running, loader, load));
    }
    return samples;
  });
  const figuresAt = (level: number) =>
    [...visits].map(([name, list]) => {
      const samples = list.flatMap((sample) => sample.get(level) ?? []);
      return [name, figuresOf(samples)] as const;
    });
  return new Map(all.map((level) => [level, new Map(figuresAt(level))]));
}

/** So that V8 has compiled what it is going to, where there is a V8. */
export async function warmUp(
  field: readonly Running[],
  loader: Loader,
  seconds: number,
): Promise<void> {
  for (const { target } of field.filter(({ contender }) => contender.runtime === "node")) {
    await loader.closed({ target, ask: small, connections: 64, seconds });
  }
}

/** One contender at one number of connections, once. */
export async function closedOnce(
  running: Running,
  loader: Loader,
  load: Pick<Levels, "seconds"> & { readonly connections: number; readonly ask: Ask },
): Promise<ClosedFigures> {
  return figuresOf([await measure(running, loader, load)]);
}

async function measure(
  { child, target }: Running,
  loader: Loader,
  load: Parameters<typeof closedOnce>[2],
): Promise<Sample> {
  const before = usageOf(child.pid);
  const tally = await loader.closed({ target, ...load });
  const after = usageOf(child.pid);
  await settle(child.pid);
  const cpu = ((after.cpu - before.cpu) / Math.max(1, tally.requests)) * 1e6;
  return { tally, cpu, memory: after.memory };
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
