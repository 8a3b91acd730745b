// The built gateway as a process of its own, as it runs in a container.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** The file that `npm run build` writes. */
export const bundle = fileURLToPath(new URL("../../dist/gateway.cjs", import.meta.url));
/** The same as it travels to Azure. */
export const selfExtracting = fileURLToPath(new URL("../../dist/gateway.sfx.cjs", import.meta.url));

export type GatewayChild = {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when standard output has this text; rejects when the process ends before. */
  said(text: string): Promise<void>;
  /** Code or signal with which the process ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
};

/**
 * Runs `script` and kills it when the test ends.
 * @param environment all of the child's
 */
export function startChild(
  test: TestContext,
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  directory?: string,
): GatewayChild {
  const child = spawn(process.execPath, [script, ...args], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    ...(directory === undefined ? {} : { cwd: directory }),
  });
  test.after(() => child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes) => (stdout += String(bytes)));
  child.stderr.on("data", (bytes) => (stderr += String(bytes)));
  const ended = once(child, "close").then(([code, signal]) => code ?? signal);
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async said(text) {
      while (!stdout.includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`the gateway ended with ${child.exitCode}: ${stdout}${stderr}`);
        }
        await Promise.race([once(child.stdout, "data"), ended]);
      }
    },
  };
}
