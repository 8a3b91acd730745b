// What one backend has made, no other knows: a response that is continued, a file, a thread
// (LiteLLM 19143). The gateway remembers who made what it saw being made, and asks for the rest.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type { Behaviour } from "../../stand-in/behaviour.ts";
import { call, errorOf } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { counts, startFoundries } from "./backends.ts";
import { made, modelsOf, respond, unknownResponse } from "./responses.ts";

const foundries = await startFoundries(3);
const [first, second, third] = foundries;
assert.ok(first !== undefined && second !== undefined && third !== undefined);
beforeEach(() => foundries.forEach((foundry) => foundry.reset()));
after(() => Promise.all(foundries.map((foundry) => foundry.close())));

const streamedResponse = (id: string): Behaviour => ({
  kind: "status",
  status: 200,
  headers: { "content-type": "text/event-stream" },
  body: `event: response.created\ndata: {"type":"response.created","response":{"id":"${id}"}}\n\n`,
});

const models = modelsOf(foundries);
const services = routes({
  policies: { backendAuth: { key: "any" } },
  backends: foundries.map(({ port }) => ({ host: `localhost:${port}` })),
});
/** With this much luck the backends of equal weight are tried in their order. */
const random = () => 0;

for (const [form, behaviour] of [
  ["whole", made("resp_made_by_second")],
  ["streamed", streamedResponse("resp_made_by_second")],
] as const) {
  test(`a ${form} response is continued where it was made`, async (t) => {
    const { origin } = await runGateway(t, models);
    first.next({ kind: "status", status: 503 });
    second.always(behaviour);
    first.always(unknownResponse);
    await call(origin, respond());
    for (let turn = 0; turn < 3; turn += 1) {
      const asked = respond({ previous_response_id: "resp_made_by_second" });
      assert.equal((await call(origin, asked)).status, 200);
    }
    assert.deepEqual(counts(foundries), [1, 4, 0]);
  });
}

test("a response that another replica made is found by asking, and known from then on", async (t) => {
  const { origin, accessLog } = await runGateway(t, models);
  first.always(unknownResponse);
  second.always(unknownResponse);
  third.always(made("resp_the_next_one"));
  const asked = respond({ previous_response_id: "resp_made_by_the_third" });
  assert.equal((await call(origin, asked)).status, 200);
  assert.deepEqual(counts(foundries), [1, 1, 1]);
  assert.equal((await call(origin, asked)).status, 200);
  const next = respond({ previous_response_id: "resp_the_next_one" });
  assert.equal((await call(origin, next)).status, 200);
  assert.deepEqual(counts(foundries), [1, 1, 3]);
  const [line] = await accessLog(3);
  assert.deepEqual(line?.["tries"], [
    { backend: "b0", status: 400 },
    { backend: "b1", status: 400 },
  ]);
});

for (const [name, more] of [
  ["a file", { input: [{ content: [{ type: "input_file", file_id: "assistant-abcdefgh" }] }] }],
  ["a vector store", { tools: [{ type: "file_search", vector_store_ids: ["vs_abcdefgh"] }] }],
  ["a conversation", { conversation: { id: "conv_abcdefgh" } }],
] as const) {
  test(`a response that refers to ${name} is made where that is`, async (t) => {
    const { origin } = await runGateway(t, models);
    first.always({ kind: "status", status: 404 });
    second.always(made("resp_12345678"));
    assert.equal((await call(origin, respond(more))).status, 200);
    assert.equal((await call(origin, respond(more))).status, 200);
    assert.deepEqual(counts(foundries), [1, 2, 0]);
  });
}

test("what a text merely quotes is not looked for", async (t) => {
  const { origin } = await runGateway(t, models);
  first.next({ kind: "status", status: 404 });
  const text = 'send {"file_id": "assistant-abcdefgh"} and "previous_response_id":"resp_12345678"';
  assert.equal((await call(origin, respond({ input: text }))).status, 404);
  assert.deepEqual(counts(foundries), [1, 0, 0]);
});

test("a mistake of the caller's ends the search: no other backend is asked", async (t) => {
  const { origin } = await runGateway(t, models);
  first.always({ kind: "contentFiltered" });
  const reply = await call(origin, respond({ previous_response_id: "resp_of_another_replica" }));
  assert.equal(reply.status, 400);
  assert.equal(errorOf(reply)["code"], "content_filter");
  assert.deepEqual(counts(foundries), [1, 0, 0]);
});

test("what nobody knows is the caller's to hear, in the backend's words", async (t) => {
  const { origin } = await runGateway(t, models);
  foundries.forEach((foundry) => foundry.always(unknownResponse));
  const reply = await call(origin, respond({ previous_response_id: "resp_of_nobody" }));
  assert.deepEqual([reply.status, errorOf(reply)["code"]], [400, "previous_response_not_found"]);
  assert.deepEqual(counts(foundries), [1, 1, 1]);
});

test("while a backend that may be the owner is down, the answer is 503, not 'no such response'", async (t) => {
  const { origin, accessLog } = await runGateway(t, models);
  first.always({ kind: "noAnswer", manner: "destroy" });
  second.always(unknownResponse);
  third.always(unknownResponse);
  const reply = await call(origin, respond({ previous_response_id: "resp_made_by_first" }));
  assert.deepEqual([reply.status, errorOf(reply)["code"]], [503, "owner_unavailable"]);
  assert.equal(reply.headers["retry-after"], "5");
  assert.partialDeepStrictEqual((await accessLog(1))[0], { outcome: "owner_unavailable" });
});

test("a backend that is cooling down is asked too, last: it may be the owner", async (t) => {
  const { origin } = await runGateway(t, models);
  first.next({ kind: "rateLimited", retryAfter: 60 });
  second.always(made("resp_12345678"));
  await call(origin, respond());
  first.always(made("resp_of_the_first"));
  second.always(unknownResponse);
  third.always(unknownResponse);
  const reply = await call(origin, respond({ previous_response_id: "resp_from_elsewhere" }));
  assert.equal(reply.status, 200);
  assert.deepEqual(counts(foundries), [2, 2, 1]);
});

test("the known owner that is at its limit says so itself; no other is asked", async (t) => {
  const { origin } = await runGateway(t, models);
  first.next(made("resp_12345678"));
  await call(origin, respond());
  first.always({ kind: "rateLimited", retryAfter: 9 });
  const reply = await call(origin, respond({ previous_response_id: "resp_12345678" }));
  assert.deepEqual([reply.status, reply.headers["retry-after"]], [429, "9"]);
  assert.deepEqual(counts(foundries), [2, 0, 0]);
});

for (const path of [
  "/openai/v1/files/assistant-abcdefgh/content",
  "/openai/threads/thread_abcdefgh/runs?api-version=2024-10-21",
  "/openai/v1/vector_stores/vs_abcdefgh",
  "/openai/v1/batches/batch_abcdefgh",
  "/documentintelligence/operations/31466834048_f3ee629e?api-version=2024-11-30",
  "/speechtotext/transcriptions/7f4232d5-9873-47a7-a6f7-4a3f00d00dc0/files",
]) {
  test(`${path} goes to the backend that has it, whatever the method`, async (t) => {
    const { origin } = await runGateway(t, services, { random });
    first.always({ kind: "status", status: 404 });
    second.always({ kind: "status", status: 200, body: { id: "x" } });
    for (const method of ["GET", "POST", "DELETE"]) {
      const body = method === "POST" ? { body: "{}" } : {};
      assert.equal((await call(origin, { method, path, ...body })).status, 200);
    }
    assert.deepEqual(counts(foundries), [1, 3, 0]);
  });
}
