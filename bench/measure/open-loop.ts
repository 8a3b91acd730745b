import { small } from "../job.ts";
import type { Loader } from "../load/loader.ts";
import type { Tally } from "../load/tally.ts";
import { settle } from "../process/usage.ts";
import { median } from "./statistics.ts";
import { type Round, visit } from "./visits.ts";

export type OpenFigures = {
  /** Arrivals per second. */
  readonly rate: number;
  /** Milliseconds from the time a request was due. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly failures: number;
};

/** Seconds of arrivals that do not count, while connections are opened. */
const opening = 0.5;

/** The same arrivals for everybody, whatever becomes of those before. */
export async function openRounds(
  rounds: readonly Round[],
  loader: Loader,
  rate: number,
  seconds: number,
): Promise<ReadonlyMap<string, OpenFigures>> {
  const visits = await visit(rounds, async ({ child, target }) => {
    const load = { target, ask: small, perSecond: rate, runIn: opening, seconds };
    const tally = await loader.open(load);
    await settle(child.pid);
    return tally;
  });
  return new Map([...visits].map(([name, list]) => [name, figuresOf(list, rate)]));
}

function figuresOf(list: readonly Tally[], rate: number): OpenFigures {
  const of = (key: keyof Tally["latency"]) => median(list.map(({ latency }) => latency[key]));
  return {
    rate,
    p50: of("p50"),
    p99: of("p99"),
    p999: of("p999"),
    failures: list.reduce((sum, { failures }) => sum + failures, 0),
  };
}
