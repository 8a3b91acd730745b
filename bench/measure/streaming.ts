import { streamOf } from "../job.ts";
import type { Loader } from "../load/loader.ts";
import { settle, usageOf } from "../process/usage.ts";
import type { Running } from "../start.ts";
import { streamBytes } from "../upstream/event.ts";
import { median } from "./statistics.ts";
import { type Round, visit } from "./visits.ts";

export type StreamFigures = {
  readonly count: number;
  readonly whole: number;
  /** Milliseconds from an event's writing upstream to its reading by the caller. */
  readonly p50: number;
  readonly p99: number;
  /** Share of events that came together with the one before. */
  readonly batched: number;
  /** Whether every caller got exactly the bytes that were written for it. */
  readonly sameBytes: boolean;
  /** Microseconds of processor time per event. */
  readonly cpu: number;
  /** Bytes, at the most while the streams ran. */
  readonly memory: number;
  readonly firstFailure: string | undefined;
};

export async function streams(
  { target, child }: Running,
  loader: Loader,
  {
    count,
    events,
    every,
  }: { readonly count: number; readonly events: number; readonly every: number },
): Promise<StreamFigures> {
  const before = usageOf(child.pid);
  let memory = before.memory;
  const watch = setInterval(() => (memory = Math.max(memory, usageOf(child.pid).memory)), 100);
  const seen = await loader.streams({ target, ask: streamOf(events, every), count });
  clearInterval(watch);
  const after = usageOf(child.pid);
  await settle(child.pid);
  return {
    count,
    whole: seen.whole,
    p50: seen.delay.p50,
    p99: seen.delay.p99,
    batched: seen.batched / Math.max(1, seen.events),
    sameBytes: seen.bytes === count * streamBytes(events),
    cpu: ((after.cpu - before.cpu) / Math.max(1, seen.events)) * 1e6,
    memory,
    firstFailure: seen.firstFailure,
  };
}

/**
 * Milliseconds to the first byte of a stream, at the median, one at a time.
 * @param count streams at each visit; a third more before do not count
 */
export async function firstBytes(
  rounds: readonly Round[],
  loader: Loader,
  count: number,
): Promise<ReadonlyMap<string, number>> {
  const ask = streamOf(1, 0);
  const visits = await visit(rounds, async ({ target }) => {
    await loader.firstByte({ target, ask, count: Math.ceil(count / 3) });
    return (await loader.firstByte({ target, ask, count })).p50;
  });
  return new Map([...visits].map(([name, list]) => [name, median(list)]));
}
