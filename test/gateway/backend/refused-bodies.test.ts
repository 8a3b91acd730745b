// A body that no model can take ends at the gateway: the caller gets a 4xx in the shape that every
// OpenAI client reads, not a 503 that makes it try again, and the backend sees nothing.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, afterEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, chat, errorOf, exchangeBytes, open, replyOf } from "../caller.ts";
import { configuration, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => {
  assert.equal(foundry.connections.tcp, 0, "the backend was not even connected to");
  foundry.reset();
});
after(() => foundry.close());

const route = {
  backends: [model(`localhost:${foundry.port}`, { provider: { openAI: {} } })],
  policies: { backendAuth: { key: "any" } },
};
const json = { "content-type": "application/json" };
const messages = [{ role: "user", content: "Hello" }];
const post = chat("");

type Case = {
  readonly name: string;
  readonly asked: Call;
  readonly status: number;
  readonly code: string;
  readonly param?: string;
};

const cases: readonly Case[] = [
  {
    name: "no model anywhere",
    asked: chat({ messages }),
    status: 400,
    code: "missing_required_parameter",
    param: "model",
  },
  {
    name: "a model that is no text",
    asked: chat({ messages, model: 5 }),
    status: 400,
    code: "invalid_type",
    param: "model",
  },
  {
    name: "no messages",
    asked: chat({ model: "m" }),
    status: 400,
    code: "missing_required_parameter",
    param: "messages",
  },
  {
    name: "no input to embed",
    asked: { ...chat({ model: "m" }), path: "/v1/embeddings" },
    status: 400,
    code: "missing_required_parameter",
    param: "input",
  },
  { name: "an array", asked: chat("[1]"), status: 400, code: "not_an_object" },
  { name: "null", asked: chat("null"), status: 400, code: "not_an_object" },
  { name: "a text", asked: chat('"model"'), status: 400, code: "not_an_object" },
  { name: "broken JSON", asked: chat('{"model":"m",'), status: 400, code: "invalid_json" },
  { name: "two texts", asked: chat('{"model":"m"}{}'), status: 400, code: "invalid_json" },
  { name: "an empty body", asked: chat(""), status: 400, code: "invalid_json" },
  {
    name: "no body at all",
    asked: { method: "POST", path: "/v1/chat/completions", headers: json },
    status: 400,
    code: "invalid_json",
  },
  {
    name: "JSON nested 100,000 levels deep",
    asked: chat(`{"model":"m","messages":${"[".repeat(100_000)}`),
    status: 400,
    code: "invalid_json",
  },
  {
    name: "a form",
    asked: {
      ...post,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "a=b",
    },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    name: "plain text",
    asked: { ...chat({ model: "m", messages }), headers: { "content-type": "text/plain" } },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    name: "a body in a coding the gateway does not read",
    asked: { ...chat("x"), headers: { ...json, "content-encoding": "compress" } },
    status: 415,
    code: "unsupported_content_encoding",
  },
  {
    name: "GET",
    asked: { path: "/v1/chat/completions" },
    status: 405,
    code: "method_not_allowed",
  },
];

for (const { name, asked, status, code, param } of cases) {
  test(`${name} is answered with ${status} ${code}`, async (t) => {
    const gateway = await runGateway(t, routes(route));
    const reply = await call(gateway.origin, asked);
    assert.equal(reply.status, status);
    const error = errorOf(reply);
    assert.deepEqual(Object.keys(error), ["message", "type", "code", "param"]);
    assert.deepEqual(
      [error["type"], error["code"], error["param"]],
      ["invalid_request_error", code, param ?? null],
    );
    assert.ok(reply.headers["x-request-id"]);
    if (status === 405) assert.equal(reply.headers.allow, "POST");
    const [line] = await gateway.accessLog(1);
    assert.partialDeepStrictEqual(line, { status, attempts: 0 });
  });
}

const small = configuration({
  frontendPolicies: { http: { maxBufferSize: 100 } },
  binds: [{ port: 3000, listeners: [{ routes: [route] }] }],
});
const ofLength = (length: number) =>
  `{"model":"m","messages":[],"user":"${"u".repeat(length - '{"model":"m","messages":[],"user":""}'.length)}"}`;

test("a body above maxBufferSize is refused by its content-length, before it is sent", async (t) => {
  const { origin } = await runGateway(t, small);
  const { request, answer } = open(origin, {
    ...post,
    headers: { ...json, "content-length": 101 },
  });
  const reply = await replyOf(await answer);
  assert.equal(reply.status, 413);
  assert.equal(errorOf(reply)["code"], "body_too_large");
  request.destroy();
});

test("a chunked body above maxBufferSize is refused while it arrives", async (t) => {
  const { origin } = await runGateway(t, small);
  const { request, answer } = open(origin, {
    ...post,
    headers: { ...json, "transfer-encoding": "chunked" },
  });
  // Not ended: the limit is all that can end it.
  request.write(ofLength(101));
  const reply = await replyOf(await answer);
  assert.equal(reply.status, 413);
  assert.equal(errorOf(reply)["code"], "body_too_large");
  request.destroy();
});

test("a caller that goes on sending what was refused is heard out, and its connection stays usable", async (t) => {
  const { origin } = await runGateway(t, small);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const { request, answer } = open(origin, {
    ...post,
    agent,
    headers: { ...json, "transfer-encoding": "chunked" },
  });
  request.write(ofLength(101));
  const answered = await answer;
  assert.equal(answered.statusCode, 413);
  request.end(Buffer.alloc(20_000_000, "x"));
  assert.equal((await replyOf(answered)).ending, "clean");
  const next = await call(origin, { ...chat({ messages }), agent });
  assert.equal(errorOf(next)["param"], "model");
});

test("the default limit takes a body of several megabytes and refuses one above 32 MiB", async (t) => {
  const { origin } = await runGateway(t, routes(route));
  const reply = await call(origin, chat(Buffer.from("[".padEnd(4_000_000) + "]")));
  assert.equal(errorOf(reply)["code"], "not_an_object");
  const { request, answer } = open(origin, {
    ...post,
    headers: { ...json, "content-length": 32 * 2 ** 20 + 1 },
  });
  assert.equal((await replyOf(await answer)).status, 413);
  request.destroy();
});

test("a body with two framings, or with two lengths, is refused as smuggling", async (t) => {
  const { port } = await runGateway(t, routes(route));
  for (const framing of [
    "content-length: 5\r\ntransfer-encoding: chunked\r\n",
    "content-length: 5\r\ncontent-length: 6\r\n",
    "transfer-encoding: xchunked\r\n",
  ]) {
    const answer = await exchangeBytes(
      port,
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${framing}\r\n0\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 400 /);
  }
});

test("a request that no route takes, or whose target is no path, is the caller's mistake", async (t) => {
  const { origin, port } = await runGateway(
    t,
    routes({ ...route, matches: [{ path: { pathPrefix: "/only" } }] }),
  );
  const reply = await call(origin, chat({ model: "m", messages }));
  assert.equal(reply.status, 404);
  assert.equal(errorOf(reply)["code"], "no_route");
  const answer = await exchangeBytes(
    port,
    "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.match(answer, /"code":"bad_request_target"/);
});
