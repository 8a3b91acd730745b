import { setTimeout as pause } from "node:timers/promises";
import { small } from "../job.ts";
import type { Loader } from "../load/loader.ts";
import { usageOf } from "../process/usage.ts";
import type { Running } from "../start.ts";

/** Bytes a contender takes that has answered once and is left alone. */
export async function atRest(field: readonly Running[]): Promise<ReadonlyMap<string, number>> {
  await pause(2_000);
  return new Map(field.map(({ contender, child }) => [contender.name, usageOf(child.pid).memory]));
}

/** Bytes while so many callers hold their connections open and ask for nothing. */
export async function withConnections(
  { target, child }: Running,
  loader: Loader,
  connections: number,
): Promise<number> {
  const milliseconds = 300;
  const held = loader.idle({ target, ask: small, connections, milliseconds });
  let memory = 0;
  const watch = setInterval(() => (memory = usageOf(child.pid).memory), 50);
  await held;
  clearInterval(watch);
  return memory;
}
