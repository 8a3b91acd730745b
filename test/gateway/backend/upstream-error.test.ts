// A backend's own error is the caller's to read: status, body and headers as they came, above all those
// by which a client knows how long to wait after a 429. The gateway neither follows redirects, nor
// retries by itself, nor puts its own words in place of Azure's.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import OpenAI, { RateLimitError } from "openai";
import type { Behaviour } from "../../stand-in/behaviour.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, chat } from "../caller.ts";
import { type WrittenBackend, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const messages = [{ role: "user" as const, content: "Hi" }];
const policies = { backendAuth: { key: "any" } };
const kinds: readonly { kind: string; backend: WrittenBackend; asked: Call }[] = [
  { kind: "an AI backend", backend: model(`localhost:${foundry.port}`), asked: chat({ messages }) },
  {
    kind: "a streaming AI backend",
    backend: model(`localhost:${foundry.port}`),
    asked: chat({ messages, stream: true }),
  },
  {
    kind: "a host backend",
    backend: { host: `localhost:${foundry.port}` },
    asked: { method: "POST", path: "/language/x", body: "{}" },
  },
];

const errors: readonly {
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly status: number;
}[] = [
  {
    name: "429",
    behaviour: {
      kind: "rateLimited",
      retryAfter: 7,
      retryAfterMs: 6500,
      xMsRetryAfterMs: 6400,
      resetRequests: "6s",
      resetTokens: 9,
    },
    status: 429,
  },
  { name: "content filter", behaviour: { kind: "contentFiltered" }, status: 400 },
  { name: "401", behaviour: { kind: "unauthorized" }, status: 401 },
  {
    name: "500 in plain text",
    behaviour: {
      kind: "status",
      status: 500,
      headers: { "content-type": "text/plain" },
      body: "no {",
    },
    status: 500,
  },
  {
    name: "503 without a body",
    behaviour: {
      kind: "status",
      status: 503,
      headers: { "retry-after": "Fri, 31 Dec 2027 23:59:59 GMT" },
    },
    status: 503,
  },
  {
    name: "404 in HTML",
    behaviour: {
      kind: "status",
      status: 404,
      headers: { "content-type": "text/html; charset=iso-8859-1" },
      body: Buffer.from("<p>gr\u00fc\u00dfe", "latin1"),
    },
    status: 404,
  },
  {
    name: "compressed 400",
    behaviour: {
      kind: "status",
      status: 400,
      headers: { "content-encoding": "gzip", "content-type": "application/json" },
      body: gzipSync('{"error":{}}'),
    },
    status: 400,
  },
  {
    name: "error with an event stream's type",
    behaviour: {
      kind: "status",
      status: 400,
      headers: { "content-type": "text/event-stream" },
      body: 'data: {"error":{"code":"x"}}',
    },
    status: 400,
  },
  {
    name: "302",
    behaviour: { kind: "status", status: 302, headers: { location: "http://elsewhere.invalid/" } },
    status: 302,
  },
  { name: "status of no RFC", behaviour: { kind: "status", status: 599, body: "?" }, status: 599 },
];

for (const { kind, backend, asked } of kinds) {
  for (const { name, behaviour, status } of errors) {
    test(`${kind}: a ${name} passes through as it came`, async (t) => {
      foundry.always(behaviour);
      const direct = await call(foundry.origin, { ...asked, path: "/v1/chat/completions" });
      foundry.reset();
      foundry.always(behaviour);
      const { origin, accessLog } = await runGateway(t, routes({ backends: [backend], policies }));
      const reply = await call(origin, asked);
      assert.equal(reply.status, status);
      assert.deepEqual(reply.body, direct.body);
      assert.equal(reply.ending, "clean");
      const steady = ({ headers }: typeof reply) => {
        const own = ["date", "connection", "x-request-id", "apim-request-id"];
        return Object.fromEntries(
          Object.entries(headers).filter(([header]) => !own.includes(header)),
        );
      };
      assert.deepEqual(steady(reply), steady(direct));
      assert.equal(foundry.requests.length, 1, "once is all it is asked");
      const [line] = await accessLog(1);
      assert.partialDeepStrictEqual(line, {
        status,
        upstreamStatus: status,
        outcome: "ok",
        attempts: 1,
      });
    });
  }
}

test("the openai client sees Azure's 429 as its own kind of error, with its headers", async (t) => {
  const { origin } = await runGateway(
    t,
    routes({ backends: [model(`localhost:${foundry.port}`)], policies }),
  );
  const openai = new OpenAI({ apiKey: "callers", baseURL: `${origin}/v1`, maxRetries: 0 });
  foundry.next({ kind: "rateLimited", retryAfterMs: 1234 });
  await assert.rejects(
    openai.chat.completions.create({ model: "gpt-4", messages }),
    (error) => error instanceof RateLimitError && error.headers.get("retry-after-ms") === "1234",
  );
  foundry.next({ kind: "rateLimited", retryAfterMs: 1 });
  const patient = new OpenAI({ apiKey: "callers", baseURL: `${origin}/v1`, maxRetries: 1 });
  const { model: named } = await patient.chat.completions.create({ model: "gpt-4", messages });
  assert.equal(named, "gpt-5-mini");
});
