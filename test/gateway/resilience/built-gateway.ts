// The built gateway in a process of its own, which a test may send signals.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { freePort } from "../../demo/gateway-process.ts";
import type { LogLine } from "../running-gateway.ts";

const bundle = join(import.meta.dirname, "../../../dist/gateway.cjs");

export type BuiltGateway = {
  readonly child: ChildProcess;
  readonly port: number;
  readonly readinessPort: number;
  readonly configFile: string;
  readonly origin: string;
  readonly readiness: string;
  readonly lines: readonly LogLine[];
  /** The first line with this message, from the `after`-th line on. */
  logged(message: string, after?: number): Promise<LogLine>;
  /** The exit code, once the process has ended. */
  readonly exit: Promise<number | null>;
};

/** @param configure the configuration for a bind's port and a readiness port */
export async function runBuiltGateway(
  test: Pick<TestContext, "after">,
  configure: (port: number, readiness: number) => string,
  args: readonly string[] = [],
): Promise<BuiltGateway> {
  const directory = await mkdtemp(join(tmpdir(), "foundry-gateway-"));
  const configFile = join(directory, "config.yaml");
  const [port, readinessPort] = [await freePort(), await freePort()];
  await writeFile(configFile, configure(port, readinessPort));
  const child = spawn(process.execPath, [bundle, "-f", configFile, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(child, "exit").then(([code]): number | null => code);
  test.after(async () => {
    child.kill("SIGKILL");
    await exit;
    await rm(directory, { recursive: true });
  });
  const lines: LogLine[] = [];
  let heard = nothing;
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(JSON.parse(line));
    heard();
  });
  const gateway: BuiltGateway = {
    child,
    port,
    readinessPort,
    configFile,
    origin: `http://127.0.0.1:${port}`,
    readiness: `http://127.0.0.1:${readinessPort}`,
    lines,
    exit,
    async logged(message, from = 0) {
      for (;;) {
        const found = lines.slice(from).find(({ msg }) => msg === message);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
  await gateway.logged("listening");
  return gateway;
}

function nothing(): void {}
