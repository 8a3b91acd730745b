import { availableParallelism, cpus, loadavg, release, totalmem, type as system } from "node:os";
import { type Cores, describeCores } from "../process/cores.ts";
import type { Machine } from "./results.ts";

const [loadBefore = 0] = loadavg();

/** The machine as far as a reader needs it to compare figures; not which one it is. */
export function describeMachine(upstream: string, closedBy: string, cores: Cores): Machine {
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
    loadBefore: Math.round(loadBefore * 100) / 100,
  };
}
