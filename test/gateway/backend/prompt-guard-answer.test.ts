// Answers that Content Safety sees before the caller does.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { after, beforeEach, describe, test } from "node:test";
import { call, chat, errorOf, open } from "../caller.ts";
import { runGateway } from "../running-gateway.ts";
import { guardsOf, startGuarding } from "./guarding.ts";

const guarding = await startGuarding();
const { foundry, safety, guard, config } = guarding;
beforeEach(() => guarding.reset());
after(() => guarding.close());

const ask = chat({
  messages: [{ role: "user", content: "harm-Hate-6, but only the answer counts" }],
});
const response = config({ response: [guard()] });
const compressed = (content: string) => {
  const body = gzipSync(JSON.stringify({ choices: [{ message: { content } }] }));
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  foundry.next({ kind: "status", status: 200, headers, body });
  return body;
};

const texts = () =>
  safety.requests.map(({ body }) => {
    const { text }: { readonly text: string } = JSON.parse(body.toString());
    return text;
  });

test("a harmless answer arrives as the model gave it, to the byte, and is counted", async (t) => {
  const gateway = await runGateway(t, response);
  foundry.next({ kind: "answer", content: "Hello there" });
  const reply = await call(gateway.origin, ask);
  assert.equal(reply.status, 200);
  assert.ok(reply.body.equals(foundry.requests[0]?.written ?? Buffer.alloc(0)));
  assert.equal(reply.headers["content-length"], String(reply.body.length));
  assert.deepEqual(texts(), ["Hello there"]);
  assert.deepEqual(await guardsOf(gateway), { response: { verdict: "allowed" } });
  const [line] = await gateway.accessLog(1);
  assert.ok(line?.["tokens"]);
});

test("no byte goes out while the answer is with the guard", async (t) => {
  const { origin } = await runGateway(t, response);
  safety.next({ kind: "hang" });
  const { request, answer } = open(origin, ask);
  const seen = { head: false };
  answer.then(
    () => (seen.head = true),
    () => undefined,
  );
  request.end(ask.body);
  const asked = await safety.whenReceived(1);
  assert.equal(await foundry.requests[0]?.whenDone, "answered");
  // Another request, there and back: time enough for the first one's head.
  assert.equal((await call(origin, ask)).status, 200);
  assert.equal(seen.head, false);
  request.destroy();
  await asked.whenAborted;
});

test("a harmful one becomes the rejection, and its tokens are counted all the same", async (t) => {
  const gateway = await runGateway(t, response);
  foundry.next({ kind: "answer", content: "here is harm-Sexual-4 for you" });
  const reply = await call(gateway.origin, ask);
  assert.equal(reply.status, 403);
  const { code, message } = errorOf(reply);
  assert.equal(code, "content_filter");
  assert.equal(message, "The response was rejected due to inappropriate content.");
  const [line] = await gateway.accessLog(1);
  assert.equal(line?.["outcome"], "content_rejected");
  assert.equal(line?.["upstreamStatus"], 200);
  assert.ok(line?.["tokens"]);
  assert.deepEqual(await guardsOf(gateway), {
    response: { verdict: "rejected", found: ["Sexual:4"] },
  });
  assert.ok(!gateway.logText().includes("for you"));
});

test("a rejection of the config's own takes its place", async (t) => {
  const own = config({ response: [guard(undefined, { status: 502, body: "Sorry." })] });
  const { origin } = await runGateway(t, own);
  foundry.next({ kind: "answer", content: "harm-Violence-2" });
  const { status, body } = await call(origin, ask);
  assert.deepEqual([status, body.toString()], [502, "Sorry."]);
});

test("a stream is not checked, and the log says so", async (t) => {
  const gateway = await runGateway(t, response);
  foundry.next({ kind: "answer", content: "harm-Hate-6" });
  const reply = await call(
    gateway.origin,
    chat({ messages: [{ role: "user", content: "Hi" }], stream: true }),
  );
  assert.equal(reply.status, 200);
  assert.match(reply.body.toString(), /harm-Hate-6/);
  assert.equal(safety.requests.length, 0);
  assert.deepEqual(await guardsOf(gateway), { response: { verdict: "not_checked" } });
});

test("where the config forbids streams, what would have been one is checked", async (t) => {
  const ai = { overrides: { stream: false }, promptGuard: { response: [guard()] } };
  const { origin } = await runGateway(t, config({}, { policies: { ai } }));
  foundry.next({ kind: "answer", content: "harm-Hate-6" });
  const stream = chat({ messages: [{ role: "user", content: "Hi" }], stream: true });
  assert.equal((await call(origin, stream)).status, 403);
});

test("an error of the backend's passes as it is", async (t) => {
  const { origin } = await runGateway(t, response);
  foundry.next({ kind: "contentFiltered" });
  const reply = await call(origin, ask);
  assert.equal(reply.status, 400);
  assert.ok(reply.body.equals(foundry.requests[0]?.written ?? Buffer.alloc(0)));
  assert.equal(safety.requests.length, 0);
});

test("an answer that comes compressed is decoded for the check and passed on as it came", async (t) => {
  const { origin } = await runGateway(t, response);
  const harmless = compressed("Hello");
  const reply = await call(origin, ask);
  assert.equal(reply.headers["content-encoding"], "gzip");
  assert.ok(reply.body.equals(harmless));
  compressed("harm-Hate-4");
  assert.equal((await call(origin, ask)).status, 403);
});

describe("what cannot be checked is a failure of the guard", () => {
  const lenient = config({ response: [guard({ analyzeText: {}, failureMode: "failOpen" })] });
  const json = { "content-type": "application/json" };
  for (const [failure, headers, body] of [
    ["unreadable_body", json, "not JSON"],
    ["undecodable_answer", { ...json, "content-encoding": "zstd" }, "x"],
    ["undecodable_answer", { ...json, "content-encoding": "gzip" }, "x"],
    [
      "answer_too_large",
      json,
      JSON.stringify({ choices: [{ message: { content: "x".repeat(1_000_001) } }] }),
    ],
    ["answer_too_large", json, `"${"x".repeat(9 * 1024 * 1024)}"`],
    [
      "answer_too_large",
      { ...json, "content-encoding": "gzip" },
      gzipSync(`"${"x".repeat(9 * 1024 * 1024)}"`),
    ],
  ] as const) {
    test(`${failure}, ${JSON.stringify(headers)}`, async (t) => {
      const gateway = await runGateway(t, response);
      foundry.always({ kind: "status", status: 200, headers, body });
      const refused = await call(gateway.origin, ask);
      assert.equal(refused.status, 503);
      assert.equal(errorOf(refused)["code"], "guard_unavailable");
      assert.deepEqual(await guardsOf(gateway), {
        response: { verdict: "failed_closed", failure },
      });
      const other = await runGateway(t, lenient);
      const passed = await call(other.origin, ask);
      assert.deepEqual([passed.status, passed.ending], [200, "clean"]);
      assert.ok(passed.body.equals(Buffer.from(body)));
      assert.deepEqual(await guardsOf(other), { response: { verdict: "failed_open", failure } });
    });
  }
});

describe("the text of every format is found", () => {
  for (const [path, body] of [
    ["/openai/v1/responses", { input: "Hi" }],
    ["/anthropic/v1/messages", { messages: [], max_tokens: 1 }],
  ] as const) {
    test(path, async (t) => {
      const { origin } = await runGateway(t, response);
      const asked = { ...chat(body, { "anthropic-version": "2023-06-01" }), path };
      foundry.next({ kind: "answer", content: "harm-Hate-6" });
      assert.equal((await call(origin, asked)).status, 403);
      foundry.next({ kind: "answer", content: "Hello" });
      assert.equal((await call(origin, asked)).status, 200);
      assert.equal(safety.requests.length, 2);
    });
  }

  test("embeddings have none", async (t) => {
    const { origin } = await runGateway(t, response);
    const asked = { ...chat({ input: "Hi" }), path: "/openai/v1/embeddings" };
    assert.equal((await call(origin, asked)).status, 200);
    assert.equal(safety.requests.length, 0);
  });
});

test("a second try's answer is checked like the first's", async (t) => {
  const { origin } = await runGateway(
    t,
    config({ response: [guard()] }, { policies: { retry: { attempts: 1, backoff: "1ms" } } }),
  );
  foundry.next({ kind: "status", status: 503 });
  foundry.next({ kind: "answer", content: "harm-Hate-6" });
  assert.equal((await call(origin, ask)).status, 403);
  assert.equal(safety.requests.length, 1);
});
