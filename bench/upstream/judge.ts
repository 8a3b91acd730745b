// The upstream in Node: it reads each request, checks that the contender's job was done, and answers
// 1 KiB, or a stream at the pace the request asks for. Once a length has been found good several
// times, requests of that length are only checked for their token, so that checking is no load.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answer } from "./answer.ts";
import { type Job, type Verdict, check } from "./check.ts";
import { done, eventAt, usageEvent } from "./event.ts";

/** What the parent is told at the start. */
export type JudgePorts = { readonly [J in Job]: number };

const enough = 5;
/** Requests that are streams: how to answer is in their body. */
const streams = new Set<string>();
const approvals = { plain: new Map<string, number>(), model: new Map<string, number>() };
const servers = { plain: serverOf("plain"), model: serverOf("model") };
process.on("disconnect", () => process.exit());
process.send?.({ plain: await portOf(servers.plain), model: await portOf(servers.model) });

function serverOf(job: Job): Server {
  const server = createServer((request, response) => serve(job, request, response));
  server.keepAliveTimeout = 600_000;
  server.requestTimeout = 0;
  return server;
}

function serve(job: Job, request: IncomingMessage, response: ServerResponse): void {
  // Which lengths were good, for an upstream that can check no more than that.
  if (request.method === "GET") return send(response, 200, JSON.stringify(lengths(job)));
  const { authorization, "content-length": length = "" } = request.headers;
  const key = `${authorization} ${length}`;
  const chunks: Buffer[] = [];
  const known = (approvals[job].get(key) ?? 0) >= enough && length !== "" && !streams.has(key);
  request.on("data", (chunk: Buffer) => {
    if (!known) chunks.push(chunk);
  });
  request.on("error", () => response.destroy());
  request.on("end", () => {
    if (known) return send(response, 200, answer);
    const verdict = check(job, authorization, Buffer.concat(chunks));
    if (!verdict.ok) return refuse(response, verdict);
    approvals[job].set(key, (approvals[job].get(key) ?? 0) + 1);
    const { stream } = verdict.ask;
    if (stream === undefined) return send(response, 200, answer);
    streams.add(key);
    pace(response, stream.events, stream.every, verdict.usage);
  });
}

function pace(response: ServerResponse, events: number, every: number, usage: boolean): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let index = 0;
  const started = performance.now();
  const next = (): void => {
    if (response.destroyed) return;
    response.write(eventAt(process.hrtime.bigint()));
    index += 1;
    if (index < events) {
      setTimeout(next, Math.max(0, started + index * every - performance.now()));
      return;
    }
    if (usage) response.write(usageEvent);
    response.end(done);
  };
  next();
}

function refuse(response: ServerResponse, { status, why }: Extract<Verdict, { ok: false }>): void {
  send(response, status, JSON.stringify({ error: { message: why, type: "bench" } }));
}

function send(response: ServerResponse, status: number, body: string): void {
  const headers = ["content-type", "application/json", "content-length", String(body.length)];
  response.writeHead(status, headers);
  response.end(body);
}

function lengths(job: Job): readonly string[] {
  return [...new Set([...approvals[job].keys()].map((key) => key.split(" ").at(-1) ?? ""))];
}

function portOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address: AddressInfo | string | null = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
