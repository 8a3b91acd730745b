// How long hostile bodies hold the gateway's event loop: the longest delay, in milliseconds, that
// node:perf_hooks saw while the gateway, in this process, took each body from a child process.
//
//   node bench/event-loop.ts
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { gzipSync } from "node:zlib";
import { pino } from "pino";
import { loadConfig } from "../gateway/config/load.ts";
import { createGateway } from "../gateway/gateway.ts";

const size = 30_000_000;
const fill = (piece: string) => piece.repeat(size / piece.length);
const prompt = '{"model":"m","messages":[{"role":"user","content":"Hello"}]}';

/** Built in the sender, so that building them does not count. */
const bodies: Readonly<Record<string, () => { body: string | Buffer; encoding?: string }>> = {
  "ordinary, 60 bytes": () => ({ body: prompt }),
  "one string, 30 MB": () => ({ body: `{"messages":["${"x".repeat(size)}"]}` }),
  "small members, 30 MB": () => ({ body: `{"messages":[],${fill('"a":1,')}"b":1}` }),
  "small arrays, 30 MB": () => ({ body: `{"messages":[${fill("[[[]]],")}1]}` }),
  "escapes, 30 MB": () => ({ body: `{"messages":["${fill("\\u0041")}"]}` }),
  "opening brackets, 30 MB": () => ({ body: `{"messages":${fill("[")}` }),
  "one wanted key over and over, 30 MB": () => ({ body: `{${fill('"model":1,')}"a":1}` }),
  "gzip of small members, 30 MB": () => ({
    body: gzipSync(`{"messages":[],${fill('"a":1,')}"b":1}`),
    encoding: "gzip",
  }),
  "gzip bomb, 1 GB": () => ({
    body: gzipSync(Buffer.concat([Buffer.from('{"messages":['), Buffer.alloc(1e9, " ")])),
    encoding: "gzip",
  }),
};

const [, , role, name = "", to = ""] = process.argv;
if (role === "send") await send(name, to);
else if (role === "serve") await serve();
else await measure();

async function send(which: string, url: string): Promise<void> {
  const made = bodies[which]?.();
  if (made === undefined) throw new TypeError(`no body ${which}`);
  const { body, encoding } = made;
  process.stdout.write("ready\n");
  await once(process.stdin, "data");
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(encoding === undefined ? {} : { "content-encoding": encoding }),
    },
    body: typeof body === "string" ? body : new Uint8Array(body),
  });
  await answer.arrayBuffer();
  process.stdout.write(String(answer.status));
  process.exit(0);
}

/** A backend that takes anything, in a process of its own, as the sender is. */
async function serve(): Promise<void> {
  const server = createServer((request, response) => {
    request.resume();
    request.once("end", () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  process.stdout.write(String(typeof address === "object" ? address?.port : address));
}

async function measure(): Promise<void> {
  const upstream = spawn(process.execPath, [import.meta.filename, "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = await once(upstream.stdout, "data");
  const loaded = loadConfig(
    JSON.stringify({
      config: { readinessAddr: "off" },
      binds: [
        {
          port: 3000,
          listeners: [
            {
              routes: [
                {
                  backends: [
                    {
                      ai: {
                        name: "m",
                        hostOverride: `127.0.0.1:${String(port)}`,
                        provider: { openAI: { model: "gpt" } },
                      },
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    }),
    { env: {}, readFile: () => "" },
  );
  if ("problems" in loaded) throw new Error(JSON.stringify(loaded.problems));
  const gateway = createGateway(loaded.config, {
    env: {},
    log: pino({ enabled: false }),
    address: () => ({ host: "127.0.0.1", port: 0 }),
  });
  const { binds } = await gateway.start();
  const url = `http://127.0.0.1:${binds[0]?.port ?? 0}/v1/chat/completions`;

  process.stdout.write("longest delay  status  body\n");
  for (const each of ["ordinary, 60 bytes", ...Object.keys(bodies)]) {
    process.stdout.write(`${await delayOf(each, url)}  ${each}\n`);
  }
  await gateway.drain(0);
  upstream.kill();
}

async function delayOf(which: string, url: string): Promise<string> {
  const child = spawn(process.execPath, [import.meta.filename, "send", which, url], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  child.stdin.write("go");
  const [status] = await once(child.stdout, "data");
  histogram.disable();
  const longest = (histogram.max / 1e6).toFixed(0);
  return `${longest.padStart(10)} ms  ${String(status).padStart(6)}`;
}
