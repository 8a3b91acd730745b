// Tries every fault on the real gateway and prints what came of it, as a table.
//
//   npm run test:faults                    the table on standard output; exit 1 when a fault does harm
//   npm run test:faults -- --write         and into docs/faults.md
//   npm run test:faults -- --only reload   those whose name contains the word
//   npm run test:faults -- --times         how long each took, on standard error
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { endurance } from "./endurance.ts";
import { failingBackends } from "./failing-backends.ts";
import { identityAndTime } from "./identity-and-time.ts";
import { withLab } from "./lab.ts";
import { slowCallers } from "./slow-callers.ts";

const { values } = parseArgs({
  options: {
    write: { type: "boolean" },
    times: { type: "boolean" },
    only: { type: "string", default: "" },
  },
});
const faults = [...failingBackends, slowCallers, ...identityAndTime, ...endurance].filter(
  ({ name }) => name.includes(values.only),
);

const rows = ["| fault | the caller sees | lost | figure |", "| --- | --- | --- | --- |"];
let harmful = 0;
const started = performance.now();
console.log(rows.join("\n"));
for (const { name, find } of faults) {
  let row: string;
  const begun = performance.now();
  try {
    const { sees, lost, figure } = await withLab(find);
    row = `| ${name} | ${sees} | ${lost} | ${figure} |`;
  } catch (error) {
    harmful += 1;
    row = `| ${name} | **not as it should be** | | ${String(error).replaceAll(/[\n|]/g, " ")} |`;
  }
  rows.push(row);
  console.log(row);
  if (values.times === true) console.error(`${Math.round(performance.now() - begun)} ms`);
}
const seconds = Math.round((performance.now() - started) / 1000);
console.log(
  `\n${faults.length - harmful} of ${faults.length} faults as they should be, in ${seconds} s`,
);
if (values.write === true) {
  const file = join(import.meta.dirname, "../../docs/faults.md");
  const mark = "<!-- The table below is written by `npm run test:faults -- --write`. -->";
  const [head = ""] = readFileSync(file, "utf8").split(mark);
  const options = await resolveConfig(file);
  const text = `${head}${mark}\n\n${rows.join("\n")}\n`;
  writeFileSync(file, await format(text, { ...options, parser: "markdown" }));
}
process.exitCode = harmful === 0 ? 0 : 1;
