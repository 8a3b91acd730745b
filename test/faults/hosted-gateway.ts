import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Counts } from "../../gateway/gateway.ts";

export type Asked =
  | { readonly kind: "measure" }
  | { readonly kind: "reload"; readonly yaml: string }
  | { readonly kind: "jump"; readonly milliseconds: number }
  | { readonly kind: "stall"; readonly milliseconds: number };

export type Measured = Counts & {
  /** Bytes, after garbage collection. */
  readonly heap: number;
  readonly external: number;
  readonly rss: number;
  /** Open files and sockets. */
  readonly descriptors: number;
  readonly timers: number;
  /** Requests by their outcome in the log. */
  readonly outcomes: Readonly<Record<string, number>>;
};
export type Told = Partial<Measured> & { readonly port?: number };

export type HostedGateway = {
  readonly origin: string;
  readonly port: number;
  measure(): Promise<Measured>;
  reload(yaml: string): Promise<void>;
  /** Puts the gateway's wall clock forward, or back. */
  jump(milliseconds: number): Promise<void>;
  /** Keeps the gateway's thread busy. */
  stall(milliseconds: number): Promise<void>;
  /** Bytes in memory now, without asking the process. */
  residentNow(): number;
  stop(): Promise<void>;
};

type Message = { readonly id: number; readonly told?: Told; readonly failed?: string };

export async function hostGateway(
  yaml: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<HostedGateway> {
  const child = fork(join(import.meta.dirname, "gateway-host.ts"), {
    execArgv: ["--expose-gc", "--no-warnings"],
    env: { ...process.env, ...environment, FAULTS_CONFIG: yaml },
  });
  const exited = once(child, "exit");
  const waiting = new Map<number, PromiseWithResolvers<Told>>();
  let last = 0;
  const started = Promise.withResolvers<Told>();
  waiting.set(0, started);
  child.on("message", ({ id, told, failed }: Message) => {
    if (told === undefined) waiting.get(id)?.reject(new Error(failed));
    else waiting.get(id)?.resolve(told);
    waiting.delete(id);
  });
  child.once("exit", (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the gateway exited with ${code}`));
  });
  const ask = (asked: Asked): Promise<Told> => {
    const pending = Promise.withResolvers<Told>();
    last += 1;
    waiting.set(last, pending);
    child.send({ id: last, asked });
    return pending.promise;
  };
  const { port = 0 } = await started.promise;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async measure() {
      const told = await ask({ kind: "measure" });
      if (!isMeasured(told)) throw new TypeError("the gateway did not measure itself");
      return told;
    },
    async reload(next) {
      await ask({ kind: "reload", yaml: next });
    },
    async jump(milliseconds) {
      await ask({ kind: "jump", milliseconds });
    },
    async stall(milliseconds) {
      await ask({ kind: "stall", milliseconds });
    },
    residentNow() {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
    },
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function isMeasured(told: Told): told is Measured {
  return told.heap !== undefined;
}
