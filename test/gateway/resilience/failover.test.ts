// What goes to the next backend, what never does, and what the caller sees of it: nothing
// (agentgateway 1895, 1087; LiteLLM 42222).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type { Behaviour } from "../../stand-in/behaviour.ts";
import { call, open, replyOf } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { counts, inGroups, provider, question, startFoundries, streamed } from "./backends.ts";

const foundries = await startFoundries(3);
const [first, second, third] = foundries;
assert.ok(first !== undefined && second !== undefined && third !== undefined);
beforeEach(() => foundries.forEach((foundry) => foundry.reset()));
after(() => Promise.all(foundries.map((foundry) => foundry.close())));

const moving: readonly (readonly [string, Behaviour])[] = [
  ...[408, 429, 500, 502, 503, 504, 529].map((status): readonly [string, Behaviour] => [
    `a ${status}`,
    { kind: "status", status },
  ]),
  ["a 429 with Azure's headers", { kind: "rateLimited", retryAfterMs: 10 }],
  ["a connection that closes", { kind: "noAnswer", manner: "destroy" }],
  ["a connection that is reset", { kind: "noAnswer", manner: "reset" }],
  ["what is not HTTP", { kind: "garbage" }],
];
for (const [name, behaviour] of moving) {
  for (const [form, asked] of [
    ["whole", question],
    ["streamed", streamed],
  ] as const) {
    test(`${name} goes to the next backend, and the caller of a ${form} answer sees nothing of it`, async (t) => {
      const { origin, accessLog, gateway } = await runGateway(t, inGroups([first, second]));
      first.next(behaviour);
      const reply = await call(origin, asked);
      assert.deepEqual([reply.status, reply.ending], [200, "clean"]);
      assert.deepEqual(counts(foundries), [1, 1, 0]);
      assert.doesNotMatch(reply.rawHeaders.join("\n"), /retry-after/i);
      const [line] = await accessLog(1);
      assert.partialDeepStrictEqual(line, {
        outcome: "ok",
        backend: "b1",
        tries: [{ backend: "b0" }],
        attempts: 2,
        modelSent: "model-of-b1",
      });
      assert.partialDeepStrictEqual(gateway.counts(), { retries: 1, failovers: 1, rescued: 1 });
    });
  }
}

const staying: readonly (readonly [string, number, Behaviour])[] = [
  ...[400, 403, 404, 405, 409, 413, 415, 422].map(
    (status): readonly [string, number, Behaviour] => [
      `a ${status}`,
      status,
      { kind: "status", status },
    ],
  ),
  ["a content filter's answer", 400, { kind: "contentFiltered" }],
  ["a 401", 401, { kind: "unauthorized" }],
];
for (const [name, status, behaviour] of staying) {
  test(`${name} is the caller's answer, and never counts against the backend`, async (t) => {
    const policies = { health: { eviction: { consecutiveFailures: 1, duration: "1h" } } };
    const { origin, gateway } = await runGateway(t, inGroups([first, second], policies));
    first.always(behaviour);
    for (let turn = 1; turn <= 4; turn += 1) {
      assert.equal((await call(origin, question)).status, status);
      assert.deepEqual(counts(foundries), [turn, 0, 0]);
    }
    assert.partialDeepStrictEqual(gateway.counts(), { evictions: 0, coolDowns: 0, retries: 0 });
  });
}

test("a backend that is not there is passed over", async (t) => {
  const { origin, accessLog } = await runGateway(t, inGroups([first, second]));
  await first.refuseConnections();
  t.after(() => first.acceptConnections());
  assert.equal((await call(origin, question)).status, 200);
  const [line] = await accessLog(1);
  assert.deepEqual(line?.["tries"], [{ backend: "b0", reason: "upstream_connect" }]);
});

test("each backend gets its own model, credential and path", async (t) => {
  const { origin } = await runGateway(t, inGroups([first, second]));
  first.next({ kind: "status", status: 503 });
  await call(origin, question);
  for (const [at, { requests }] of [first, second].entries()) {
    const [received] = requests;
    assert.equal(received?.headers.authorization, `Bearer key-of-b${at}`);
    assert.equal(
      received?.path,
      `/openai/deployments/b${at}/chat/completions?api-version=2024-10-21`,
    );
    assert.match(received?.body.toString() ?? "", new RegExp(`"model":"model-of-b${at}"`));
  }
});

test("the first group is used as long as one of it can be, the second only then", async (t) => {
  const groups = [
    { providers: [provider(first, "ptu-1"), provider(second, "ptu-2")] },
    { providers: [provider(third, "payg")] },
  ];
  const yaml = routes({ backends: [{ ai: { groups } }] });
  const { origin } = await runGateway(t, yaml);
  for (let turn = 0; turn < 10; turn += 1) await call(origin, question);
  assert.equal(third.requests.length, 0);
  first.always({ kind: "rateLimited", retryAfter: 60 });
  second.always({ kind: "rateLimited", retryAfter: 60 });
  const before = first.requests.length + second.requests.length;
  for (let turn = 0; turn < 10; turn += 1) {
    assert.equal((await call(origin, question)).status, 200);
  }
  assert.equal(third.requests.length, 10);
  // Both said so once, and were left alone.
  assert.equal(first.requests.length + second.requests.length, before + 2);
});

test("weights share the requests, and 0 takes none, not even in need", async (t) => {
  const groups = [
    {
      providers: [
        { ...provider(first, "a"), weight: 3 },
        { ...provider(second, "b"), weight: 1 },
        { ...provider(third, "c"), weight: 0 },
      ],
    },
  ];
  let draw = 0;
  const { origin } = await runGateway(t, routes({ backends: [{ ai: { groups } }] }), {
    // Evenly spread over [0, 1).
    random: () => (draw++ % 20) / 20,
  });
  for (let turn = 0; turn < 20; turn += 1) await call(origin, question);
  assert.deepEqual(counts(foundries), [15, 5, 0]);
  first.always({ kind: "status", status: 500 });
  second.always({ kind: "status", status: 500 });
  assert.equal((await call(origin, question)).status, 500);
  assert.equal(third.requests.length, 0);
});

test("backends of a route with weights stand in for each other", async (t) => {
  const backends = [
    { weight: 1, ai: provider(first, "a") },
    { weight: 1, ai: provider(second, "b") },
  ];
  first.always({ kind: "status", status: 503 });
  const { origin } = await runGateway(t, routes({ backends }));
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await call(origin, question)).status, 200);
  assert.equal(second.requests.length, 8);
});

test("a caller that hangs up never counts against a backend", async (t) => {
  const policies = { health: { eviction: { consecutiveFailures: 1, duration: "1h" } } };
  const { origin, accessLog, gateway } = await runGateway(t, inGroups([first, second], policies));
  first.next({ kind: "hang" });
  const waiting = open(origin, { ...question });
  waiting.request.end(question.body);
  await first.whenReceived(1);
  waiting.request.destroy();
  first.next({ kind: "answer", chunkDelayMs: 50 });
  const reading = open(origin, streamed);
  reading.request.end(streamed.body);
  (await reading.answer).destroy();
  const lines = await accessLog(2);
  assert.deepEqual(
    lines.map(({ outcome }) => outcome),
    ["client_closed", "client_closed"],
  );
  assert.equal((await call(origin, question)).status, 200);
  assert.deepEqual(counts(foundries), [3, 0, 0]);
  assert.partialDeepStrictEqual(gateway.counts(), { evictions: 0, coolDowns: 0, retries: 0 });
});

test("a caller that leaves while its retry is waited for ends there", async (t) => {
  const policies = { retry: { attempts: 1, backoff: "400ms" } };
  const { origin, accessLog } = await runGateway(t, inGroups([first], policies));
  first.always({ kind: "status", status: 500 });
  const waiting = open(origin, question);
  waiting.request.end(question.body);
  await (
    await first.whenReceived(1)
  ).whenDone;
  waiting.request.destroy();
  await accessLog(1);
  const next = open(origin, question);
  next.request.end(question.body);
  await replyOf(await next.answer);
  // One of the first caller, two of the second.
  assert.equal(first.requests.length, 3);
});

test("a failing answer that does not end is not read for ever", async (t) => {
  const { origin } = await runGateway(t, inGroups([first, second]));
  first.next({
    kind: "garbage",
    bytes: Buffer.concat([
      Buffer.from("HTTP/1.1 503 No\r\ncontent-length: 100000000\r\n\r\n"),
      Buffer.alloc(200_000),
    ]),
  });
  assert.equal((await call(origin, question)).status, 200);
  await first.requests[0]?.whenDone;
});
