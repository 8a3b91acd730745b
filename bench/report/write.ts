import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart } from "./chart.ts";
import { markdown } from "./markdown.ts";
import type { Results } from "./results.ts";
import { targets } from "./targets.ts";

/** The run as data, as a page and as a picture. */
export function writeResults(folder: string, name: string, results: Results): void {
  const write = (extension: string, content: string) =>
    writeFileSync(join(folder, `${name}.${extension}`), content);
  write("json", `${JSON.stringify(results, null, 2)}\n`);
  write("md", markdown(results, targets(results), `${name}.svg`));
  write("svg", chart(results));
}
