import { readFileSync } from "node:fs";

/** What a process and its children have used, from /proc. */
export type Usage = {
  /** Seconds, in user and kernel mode. */
  readonly cpu: number;
  /** Bytes in memory. */
  readonly memory: number;
};

/** Of the kernel's accounting; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

export function usageOf(pid: number): Usage {
  let cpu = 0;
  let memory = 0;
  for (const each of familyOf(pid)) {
    // The name, in parentheses, may hold anything.
    const fields = read(`/proc/${each}/stat`).split(") ").at(-1)?.split(" ") ?? [];
    cpu += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${each}/status`))?.[1];
    memory += Number(resident ?? 0) * 1024;
  }
  return { cpu, memory };
}

function familyOf(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim();
  const direct = children === "" ? [] : children.split(" ").map(Number);
  return [pid, ...direct.flatMap(familyOf)];
}

/** A process may end while it is being looked at. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Waits until a process has nothing left to do, at most three seconds. */
export async function settle(pid: number): Promise<void> {
  for (let round = 0; round < 30; round += 1) {
    const before = usageOf(pid).cpu;
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (usageOf(pid).cpu - before < 0.02) return;
  }
}
