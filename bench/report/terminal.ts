import { type Results, wasBusy } from "./results.ts";
import { type Table, tables } from "./table.ts";
import type { Target } from "./targets.ts";

export function terminal(results: Results, reached: readonly Target[]): string {
  const warning = wasBusy(results.machine)
    ? "\n\nThe machine was busy before the run: do not rely on its figures."
    : "";
  return tables(results, reached).map(drawn).join("\n") + warning;
}

function drawn({ title, head, rows }: Table): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return `\n${title}\n${[head, ...rows].map(line).join("\n")}`;
}
