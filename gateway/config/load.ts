import { check } from "./check.ts";
import { crossCheck } from "./cross-check.ts";
import type { Environment } from "./environment.ts";
import type { Places } from "./places.ts";
import { type Path, type Problem, formatPath, inOrder } from "./problem.ts";
import { read } from "./read.ts";
import { resolve } from "./resolve.ts";
import type { Config } from "./run.ts";

/** What a configuration refers to besides its own text. */
export type Surroundings = {
  readonly env: Environment;
  /** Reads a text file the config names (PEM files, key files); throws when it cannot. */
  readFile(path: string): string;
};

/** A configuration that can run. */
export type Sound = {
  readonly config: Config;
  readonly places: Places;
  readonly warnings: readonly Problem[];
};

export type Loaded = Sound | { readonly problems: readonly Problem[] };

/**
 * Text -> as written -> as run. Reports all problems at once, in document order.
 * @param source YAML; bytes must be UTF-8
 */
export function loadConfig(source: string | Uint8Array, { env, readFile }: Surroundings): Loaded {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const report = (problem: Problem) => void problems.push(problem);
  const tree = read(source, env, report);
  const checked = tree === undefined ? undefined : check(tree, report);
  if (tree !== undefined) crossCheck(tree, readFile, report);
  if (tree === undefined || checked === undefined) return { problems: inOrder(problems) };
  const locate = (path: Path) => {
    const original = checked.original(path);
    return { ...tree.at(original), path: formatPath(original) };
  };
  const warn = (problem: Problem) => void warnings.push(problem);
  const { config, places } = resolve(checked.config, locate, readFile, report, warn);
  if (problems.length > 0) return { problems: inOrder(problems) };
  return { config, places, warnings: inOrder(warnings) };
}
