import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";

/** A process started here, and what it has written to stderr last. */
export type Child = {
  readonly process: ChildProcess;
  readonly pid: number;
  complaints(): string;
  /** Ends it, by force after a second. */
  stop(): Promise<void>;
};

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

export function startChild(
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  { stdout = "ignore", ipc = false }: { stdout?: number | "ignore" | "pipe"; ipc?: boolean } = {},
): Child {
  const stdio: StdioOptions = ["ignore", stdout, "pipe", ...(ipc ? ["ipc" as const] : [])];
  const child = spawn(command, args, { env: { ...inherited(), ...env }, stdio });
  running.add(child);
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  child.on("error", (error) => (said += error.message));
  child.once("exit", () => running.delete(child));
  return {
    process: child,
    pid: child.pid ?? 0,
    complaints: () => said.trim(),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), 1_000);
      await exited;
      clearTimeout(force);
    },
  };
}

function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "LANG"];
  return Object.fromEntries(names.flatMap((name) => entryOf(name)));
}

function entryOf(name: string): readonly (readonly [string, string])[] {
  const value = process.env[name];
  return value === undefined ? [] : [[name, value]];
}
