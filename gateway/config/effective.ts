import { stringify } from "yaml";
import type { Config } from "./run.ts";

/** The config as run, as YAML; secrets print as a placeholder. */
export function printEffective(config: Config): string {
  return stringify(JSON.parse(JSON.stringify(config)), { lineWidth: 0 });
}
