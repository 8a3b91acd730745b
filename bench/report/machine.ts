import { availableParallelism, cpus, release, totalmem, type as system } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { type Cores, describeCores } from "../process/cores.ts";
import type { Machine } from "./results.ts";

/** The machine as far as a reader needs it to compare figures; not which one it is. */
export function describeMachine(
  upstream: string,
  closedBy: string,
  cores: Cores,
  busyBefore: number,
): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 1e9),
    system: `${system()} ${release().split("-")[0]}`,
    node: process.version,
    upstream,
    closedBy,
    pinning: describeCores(cores),
    busyBefore: Math.round(busyBefore * 100) / 100,
  };
}

/** How much of all its processors others use, of 1: while nothing of the bench runs yet. */
export async function busyShare(): Promise<number> {
  const before = times();
  await pause(2_000);
  const after = times();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function times(): { readonly idle: number; readonly all: number } {
  const sums = { idle: 0, all: 0 };
  for (const { times: of } of cpus()) {
    sums.idle += of.idle;
    sums.all += of.user + of.nice + of.sys + of.idle + of.irq;
  }
  return sums;
}
