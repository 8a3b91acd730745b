import type { Contender } from "../contender.ts";
import { mountedGateway } from "../contenders/gateway.ts";
import { type Surroundings, start } from "../start.ts";

/** What targets hold against each other, by name. */
const compared = new Set(["gateway", mountedGateway.name, "node-undici", "portkey"]);

/**
 * Milliseconds of each start, in rounds: one of all, and so many more of what is compared. Those of
 * Python take too long to be repeated.
 */
export async function measureStarts(
  contenders: readonly Contender[],
  around: Surroundings,
  more: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const onNode = contenders.filter(({ runtime }) => runtime === "node");
  const all = [...onNode, mountedGateway];
  const again = all.filter(({ name }) => compared.has(name));
  const found = new Map<string, number[]>();
  for (let round = 0; round <= more; round += 1) {
    for (const contender of round === 0 ? all : again) {
      const { coldStart, child } = await start(contender, around);
      await child.stop();
      found.set(contender.name, [...(found.get(contender.name) ?? []), coldStart]);
    }
  }
  return found;
}
