import { type Machine, type Results, wasBusy } from "./results.ts";
import { type Table, tables } from "./table.ts";
import type { Target } from "./targets.ts";

export function markdown(results: Results, reached: readonly Target[], chart: string): string {
  return [
    "# What the gateway costs",
    "",
    described(results.machine, results.seconds),
    "",
    "Compare ratios: absolute figures are this machine's, in this run.",
    ...(wasBusy(results.machine) ? ["", "**The machine was busy: do not rely on this run.**"] : []),
    "",
    `![Throughput of the bare runtime's, at 64 connections](${chart})`,
    ...tables(results, reached).map(drawn),
    "",
  ].join("\n");
}

function described(machine: Machine, seconds: number): string {
  const { date, processor, cores, memory, system, node, upstream, closedBy, pinning } = machine;
  return (
    `${date}; ${processor}, ${cores} cores, ${memory} GB, ${system}, Node ${node}; ` +
    `upstream ${upstream}, closed loop by ${closedBy}, ${pinning}; ` +
    `${Math.round(100 * machine.busyBefore)} % busy before the run; it took ${Math.round(seconds)} s.`
  );
}

function drawn({ title, head, rows }: Table): string {
  const rule = head.map((_, column) => (column === 0 ? "---" : "--:"));
  return ["", `## ${title}`, "", line(head), line(rule), ...rows.map(line)].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
