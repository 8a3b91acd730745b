import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { upstreamToken } from "../job.ts";
import { type Child, startChild } from "../process/child.ts";
import { type Cores, pinned } from "../process/cores.ts";
import { freePort } from "../process/free-port.ts";
import { answer } from "./answer.ts";
import type { Upstream } from "./start-judge.ts";

export function nginxVersion(): string | undefined {
  const { status, stderr } = spawnSync("nginx", ["-v"], { encoding: "utf8" });
  return status === 0 ? stderr.replace(/^nginx version: /, "").trim() : undefined;
}

/**
 * The upstream in C. It checks the token of every request, and that its length is one at which the
 * job was found done: it cannot read bodies.
 */
export async function startNginxUpstream(
  directory: string,
  cores: Cores,
  lengths: { readonly plain: readonly string[]; readonly model: readonly string[] },
): Promise<Upstream> {
  const ports = { plain: await freePort(), model: await freePort() };
  const child = await startNginx(join(directory, "upstream"), cores.upstream, [
    "default_type application/json;",
    known("plain_known", lengths.plain),
    known("model_known", lengths.model),
    `server { listen 127.0.0.1:${ports.plain} reuseport; location / {`,
    `  if ($plain_known = 0) { ${wrong(422, "a length that no good body has")} }`,
    `  return 200 '${answer}'; } }`,
    `server { listen 127.0.0.1:${ports.model} reuseport; location / {`,
    `  if ($http_authorization != "Bearer ${upstreamToken}") { ${wrong(401, "token")} }`,
    `  if ($model_known = 0) { ${wrong(422, "a length that no good body has")} }`,
    `  return 200 '${answer}'; } }`,
  ]);
  return { kind: nginxVersion() ?? "nginx", ports, stop: child.stop };
}

/** The contender: one worker that passes on whatever comes, over kept-alive connections. */
export function startNginxProxy(
  directory: string,
  core: number | undefined,
  port: number,
  upstreamPort: number,
): Promise<Child> {
  return startNginx(join(directory, `proxy-${port}`), core, [
    `upstream model { server 127.0.0.1:${upstreamPort}; keepalive 512; keepalive_requests 1000000000; }`,
    `server { listen 127.0.0.1:${port};`,
    "  location / { proxy_pass http://model; proxy_http_version 1.1; proxy_buffering off;",
    "    proxy_request_buffering off; proxy_set_header connection ''; } }",
  ]);
}

async function startNginx(
  directory: string,
  core: number | undefined,
  http: readonly string[],
): Promise<Child> {
  mkdirSync(directory, { recursive: true });
  const bodies = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const file = join(directory, "nginx.conf");
  const lines = [
    "daemon off; worker_processes 1; worker_rlimit_nofile 8192;",
    ...(process.getuid?.() === 0 ? ["user root;"] : []),
    `pid ${join(directory, "pid")}; error_log stderr crit;`,
    "events { worker_connections 4096; }",
    "http { access_log off; client_max_body_size 0; keepalive_timeout 3600s;",
    "keepalive_requests 1000000000; map_hash_bucket_size 128;",
    ...bodies.map((name) => `${name}_temp_path ${join(directory, name)};`),
    ...http,
    "}",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const command = pinned(core, ["nginx", "-p", directory, "-e", "stderr", "-c", file]);
  const child = startChild(command, {});
  // It says nothing once it listens; whoever needs it connects and tries again.
  await pause(100);
  if (child.process.exitCode !== null) throw new Error(`nginx: ${child.complaints()}`);
  return child;
}

function known(name: string, lengths: readonly string[]): string {
  const entries = lengths.map((each) => `"${each}" 1; `).join("");
  return `map $content_length $${name} { default 0; ${entries}}`;
}

function wrong(status: number, why: string): string {
  return `return ${status} '{"error":"${why}"}';`;
}
