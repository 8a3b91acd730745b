// The gateway in a process of its own that can be asked about itself, put out of step, and stalled.
import { readdirSync } from "node:fs";
import { createGateway } from "../../gateway/gateway.ts";
import { loadConfig } from "../../gateway/config/load.ts";
import type { Config } from "../../gateway/config/run.ts";
import type { AccessRecord } from "../../gateway/request/access-record.ts";
import type { Asked, Told } from "./hosted-gateway.ts";

let clockOffset = 0;
const clock = {
  now: () => Date.now() + clockOffset,
  after(milliseconds: number, work: () => void) {
    const timer = setTimeout(work, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
const outcomes: Record<string, number> = {};
const log = {
  access({ outcome }: AccessRecord) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  },
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const { env } = process;
const gateway = createGateway(parse(env["FAULTS_CONFIG"] ?? ""), {
  env,
  log,
  clock,
  address: () => ({ host: "127.0.0.1", port: 0 }),
});
process.on("message", (message: { readonly id: number; readonly asked: Asked }) => {
  void answer(message.asked).then(
    (told) => process.send?.({ id: message.id, told }),
    (error: unknown) => process.send?.({ id: message.id, failed: String(error) }),
  );
});
const { binds } = await gateway.start();
process.send?.({ id: 0, told: { port: binds[0]?.port ?? 0 } });

async function answer(asked: Asked): Promise<Told> {
  switch (asked.kind) {
    case "measure":
      return measure();
    case "reload":
      await gateway.reload(parse(asked.yaml));
      return {};
    case "jump":
      clockOffset += asked.milliseconds;
      return {};
    case "stall": {
      const end = performance.now() + asked.milliseconds;
      while (performance.now() < end);
      return {};
    }
  }
}

function measure(): Told {
  for (let turn = 0; turn < 3; turn += 1) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    heap: heapUsed,
    external,
    rss,
    descriptors: readdirSync("/proc/self/fd").length,
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
    outcomes,
    ...gateway.counts(),
  };
}

function parse(yaml: string): Config {
  const loaded = loadConfig(yaml, { env, readFile: () => "" });
  if ("problems" in loaded) throw new TypeError(JSON.stringify(loaded.problems));
  return loaded.config;
}
