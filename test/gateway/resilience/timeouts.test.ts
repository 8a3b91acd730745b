// Each phase has its own limit, its own error and its own outcome in the log. A slow caller is not
// taken for a slow backend. Nothing here measures time: what is to expire is short, the rest never ends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, beforeEach, test } from "node:test";
import { call, errorOf, open, replyOf } from "../caller.ts";
import { type WrittenRoute, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { question, startFoundries, streamed } from "./backends.ts";

const [foundry] = await startFoundries(1);
assert.ok(foundry !== undefined);
beforeEach(() => foundry.reset());
after(() => foundry.close());

type Timeout = NonNullable<NonNullable<WrittenRoute["policies"]>["timeout"]>;
const limited = (timeout: Timeout, more: WrittenRoute["policies"] = {}) =>
  routes({
    policies: { timeout, backendAuth: { key: "any" }, ...more },
    backends: [model(`localhost:${foundry.port}`)],
  });

test("connecting: 504 upstream_connect_timeout", async (t) => {
  const mute = createServer().listen(0, "127.0.0.1");
  await once(mute, "listening");
  t.after(() => mute.close());
  const address = mute.address();
  assert.ok(typeof address === "object" && address !== null);
  // A TLS handshake that is never answered.
  const yaml = routes({
    policies: { timeout: { connectTimeout: "50ms" }, backendAuth: { key: "any" } },
    backends: [model("foundry.test:443")],
  });
  const { origin, accessLog } = await runGateway(t, yaml, { upstreamPort: address.port });
  await expectTimeout(await call(origin, question), "upstream_connect_timeout");
  assert.equal((await accessLog(1))[0]?.["outcome"], "upstream_connect_timeout");
});

for (const [phase, timeout, code] of [
  ["the first byte", { firstByteTimeout: "50ms" }, "upstream_first_byte_timeout"],
  ["the answer's beginning over all tries", { requestTimeout: "50ms" }, "request_timeout"],
  ["the whole answer", { totalTimeout: "50ms" }, "upstream_total_timeout"],
] as const) {
  test(`${phase}: 504 ${code}`, async (t) => {
    foundry.always({ kind: "hang" });
    const { origin, accessLog } = await runGateway(t, limited(timeout));
    await expectTimeout(await call(origin, question), code);
    assert.equal((await accessLog(1))[0]?.["outcome"], code);
    await foundry.requests[0]?.whenAborted;
  });
}

for (const [phase, timeout, outcome] of [
  ["silence between chunks", { idleTimeout: "50ms" }, "upstream_idle_timeout"],
  ["the whole answer", { totalTimeout: "300ms" }, "upstream_total_timeout"],
] as const) {
  test(`${phase} in a stream: an error event and a broken connection`, async (t) => {
    foundry.always({ kind: "answer", cut: { at: { afterEvent: 3 }, manner: "silence" } });
    const { origin, accessLog } = await runGateway(t, limited(timeout));
    const reply = await call(origin, streamed);
    assert.deepEqual([reply.status, reply.ending], [200, "broken"]);
    assert.match(reply.body.toString(), new RegExp(`data: \\{"error":.*"code":"${outcome}"`));
    assert.partialDeepStrictEqual((await accessLog(1))[0], { outcome, status: 200 });
  });
}

test("a stream that goes on is not limited by the limit for its beginning", async (t) => {
  foundry.always({ kind: "answer", chunkDelayMs: 20 });
  const { origin } = await runGateway(t, limited({ requestTimeout: "5s", idleTimeout: "5s" }));
  assert.equal((await call(origin, streamed)).ending, "clean");
});

test("a caller that takes its time to send is not taken for a backend that does", async (t) => {
  const yaml = routes({
    policies: {
      timeout: { firstByteTimeout: "100ms" },
      backendAuth: { key: "any" },
      health: { eviction: { consecutiveFailures: 1, duration: "1h" } },
    },
    backends: [{ host: `localhost:${foundry.port}` }],
  });
  const { origin, gateway } = await runGateway(t, yaml);
  const { request, answer } = open(origin, {
    method: "PUT",
    path: "/language/x",
    headers: { "content-length": 6 },
  });
  for (const letter of "abc") {
    request.write(letter);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  request.end("def");
  assert.equal((await replyOf(await answer)).status, 200);
  assert.equal(gateway.counts().evictions, 0);
});

test("a backend that takes no more of an upload is timed out like one that does not answer", async (t) => {
  const deaf = createServer((socket) => socket.pause()).listen(0, "127.0.0.1");
  await once(deaf, "listening");
  t.after(() => deaf.close());
  const address = deaf.address();
  assert.ok(typeof address === "object" && address !== null);
  const yaml = routes({
    policies: { timeout: { firstByteTimeout: "200ms" }, backendAuth: { key: "any" } },
    backends: [{ host: "deaf.test:80" }],
  });
  const { origin } = await runGateway(t, yaml, { upstreamPort: address.port });
  const { request, answer } = open(origin, {
    method: "PUT",
    path: "/language/x",
    headers: { "content-length": 30_000_000 },
  });
  request.write(Buffer.alloc(20_000_000));
  const reply = await replyOf(await answer);
  await expectTimeout(reply, "upstream_first_byte_timeout");
  request.destroy();
});

test("a silent stream gets comments where the route asks for them, between its events", async (t) => {
  const gates: (() => void)[] = [];
  foundry.always({
    kind: "answer",
    gate: (written) =>
      written === 2 ? new Promise((resolve) => gates.push(resolve)) : Promise.resolve(),
  });
  const { origin } = await runGateway(t, limited({}, { streamKeepAlive: "1s" }));
  const { request, answer } = open(origin, streamed);
  request.end(streamed.body);
  let text = "";
  for await (const piece of await answer) {
    text += String(piece);
    if (text.includes(": keep-alive\n\n")) gates.splice(0).forEach((release) => release());
  }
  assert.match(text, /\n\n: keep-alive\n\ndata: /);
  assert.match(text, /data: \[DONE\]\n\n$/);
  // For the rest it is what the backend sent, without the usage that the caller did not ask for.
  const events = text.split("\n\n").filter((event) => event !== "" && !event.startsWith(":"));
  const sent = String(foundry.requests[0]?.written).split("\n\n");
  assert.deepEqual(
    events,
    sent.filter((event) => event !== "" && !event.includes('"prompt_tokens"')),
  );
});

async function expectTimeout(reply: Awaited<ReturnType<typeof call>>, code: string): Promise<void> {
  assert.equal(reply.status, 504);
  assert.deepEqual([errorOf(reply)["code"], errorOf(reply)["type"]], [code, "timeout_error"]);
}
