import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/** A line of the gateway's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export type GatewayProcess = {
  /** Resolves with the next access-log line that nobody has taken yet. */
  nextRequest(): Promise<LogLine>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
};

/** Runs the built gateway and waits until it listens. */
export async function startGatewayProcess(
  bundle: string,
  configFile: string,
  environment: Readonly<Record<string, string>>,
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [bundle, "-f", configFile], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
    // A Ctrl-C in the terminal is for the demo, which then stops the gateway.
    detached: true,
  });
  const requests: LogLine[] = [];
  let wake: () => void = nothing;
  const listening = new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the gateway exited with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line: LogLine = JSON.parse(text);
      if (line["msg"] === "listening") resolve();
      else if (line["msg"] === "request") requests.push(line);
      else if (line["msg"] !== "draining" && line["msg"] !== "drained") console.log(text);
      wake();
    });
  });
  await listening;
  return {
    async nextRequest() {
      for (;;) {
        const line = requests.shift();
        if (line !== undefined) return line;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  child.kill("SIGTERM");
  await once(child, "exit");
  return child.exitCode;
}

/** A port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

function nothing(): void {}
