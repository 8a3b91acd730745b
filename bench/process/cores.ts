import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Which core does what, so that nothing shares the one under test. */
export type Cores = {
  readonly contender: number | undefined;
  readonly load: number | undefined;
  readonly upstream: number | undefined;
};

/** One core for the contender, the others for those around it; nothing is pinned without taskset. */
export function planCores(): Cores {
  const count = availableParallelism();
  const able = spawnSync("taskset", ["-c", "1", "true"]).status === 0;
  if (!able || count < 2) return { contender: undefined, load: undefined, upstream: undefined };
  return { contender: 1, load: 0, upstream: count > 2 ? 2 : 0 };
}

export function describeCores({ contender, load, upstream }: Cores): string {
  return contender === undefined
    ? "nothing pinned"
    : `contender on core ${contender}, load on core ${load}, upstream on core ${upstream}`;
}

/** The command that runs another on a core. */
export function pinned(
  core: number | undefined,
  command: readonly string[],
): readonly [string, ...string[]] {
  const [first = "", ...rest] =
    core === undefined ? command : ["taskset", "-c", String(core), ...command];
  return [first, ...rest];
}
