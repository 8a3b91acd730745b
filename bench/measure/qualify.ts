import { type Ask, small, streamOf } from "../job.ts";
import type { Loader } from "../load/loader.ts";
import type { Running } from "../start.ts";

/** Bytes of request bodies that are measured. */
export const bodySizes = [100 * 1024, 1024 * 1024, 20 * 1024 * 1024] as const;

/**
 * Whether a contender does the job it is listed for: small bodies and streams. What is wrong with the
 * first that fails; undefined when nothing is.
 */
export async function qualify(
  { target }: Running,
  loader: Loader,
  asks: readonly Ask[] = [small],
): Promise<string | undefined> {
  for (const ask of asks) {
    const atMost = (ask.bytes ?? 0) > 1024 * 1024 ? 2 : 8;
    const load = { target, ask, connections: 2, seconds: 20, atMost };
    const { failures, firstFailure } = await loader.closed(load);
    if (failures > 0) return `${ask.bytes} bytes: ${firstFailure}`;
  }
  const seen = await loader.streams({ target, ask: streamOf(5, 4), count: 5 });
  return seen.whole === seen.streams ? undefined : `streams: ${seen.firstFailure}`;
}
