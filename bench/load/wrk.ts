import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bodyOf } from "../job.ts";
import { startChild } from "../process/child.ts";
import { pinned } from "../process/cores.ts";
import type { ClosedTask } from "./closed.ts";
import type { Tally } from "./tally.ts";

export function wrkVersion(): string | undefined {
  const { error, stdout } = spawnSync("wrk", ["-v"], { encoding: "utf8" });
  return error === undefined ? (/wrk \S+/.exec(stdout)?.[0] ?? "wrk") : undefined;
}

/** The closed loop by wrk, which costs the machine less than one written in JavaScript. */
export async function wrk(
  { target, ask, connections, seconds }: Omit<ClosedTask, "kind">,
  core: number | undefined,
  directory: string,
): Promise<Tally> {
  const script = join(directory, "wrk.lua");
  const body = join(directory, "wrk.body");
  writeFileSync(body, bodyOf(ask));
  writeFileSync(script, scriptOf(body, target.headers));
  const url = `http://127.0.0.1:${target.port}${target.path}`;
  const child = startChild(
    pinned(core, [
      "wrk",
      "-t1",
      `-c${connections}`,
      `-d${Math.max(1, Math.round(seconds))}s`,
      "--timeout",
      "10s",
      "-s",
      script,
      url,
    ]),
    {},
    { stdout: "pipe" },
  );
  let said = "";
  for await (const chunk of child.process.stdout ?? []) said += String(chunk);
  const result = /^RESULT (.*)$/m.exec(said)?.[1];
  if (result === undefined) throw new Error(`wrk: ${said} ${child.complaints()}`);
  const { requests, micros, failures, p50, p99, p999 }: Record<string, number> = JSON.parse(result);
  return {
    requests: requests ?? 0,
    perSecond: ((requests ?? 0) / (micros ?? 1)) * 1e6,
    latency: { p50: (p50 ?? 0) / 1000, p99: (p99 ?? 0) / 1000, p999: (p999 ?? 0) / 1000 },
    failures: failures ?? 0,
    firstFailure: (failures ?? 0) > 0 ? "answers other than 200, or broken connections" : undefined,
  };
}

function scriptOf(body: string, headers: Readonly<Record<string, string>>): string {
  const all = { "content-type": "application/json", ...headers };
  const lines = Object.entries(all).map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  );
  return `wrk.method = "POST"
local file = io.open(${JSON.stringify(body)}, "rb")
wrk.body = file:read("*a")
file:close()
${lines.join("\n")}
function done(summary, latency)
  local e = summary.errors
  local failures = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format(
    'RESULT {"requests":%d,"micros":%d,"failures":%d,"p50":%.1f,"p99":%.1f,"p999":%.1f}',
    summary.requests - e.status, summary.duration, failures,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
`;
}
