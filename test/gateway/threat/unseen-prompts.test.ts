// The threat: a prompt that reaches the model and not its guard. Said twice in one object, so that each
// parser takes another; in token numbers; in a body of a kind that goes on unread; at a length that nobody
// checks to its end. All of it is refused, also where the config lets pass what a guard fails at: that is
// for the service's failures, not for the caller's choice.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { startGuarding } from "../backend/guarding.ts";
import { call, chat, errorOf } from "../caller.ts";
import { runGateway } from "../running-gateway.ts";
import { errorIn, refused } from "../websocket/client.ts";

const guarding = await startGuarding();
const { foundry, safety, guard, config } = guarding;
beforeEach(() => guarding.reset());
after(() => guarding.close());

describe("what a guard could not see", () => {
  const yaml = config({ request: [guard({ analyzeText: {}, failureMode: "failOpen" })] });
  const twice = `{"messages":[{"role":"user","content":"harm-Hate-6","content":"Hi"}]}`;

  for (const [name, asked] of [
    ["a member that is there twice", chat(twice)],
    ["a member in another case", chat(twice.replace('"messages"', '"Messages":[],"messages"'))],
    [
      "more than a million characters",
      chat({ messages: [{ role: "user", content: "x".repeat(1_000_001) }] }),
    ],
    [
      "another character set",
      chat('{"messages":[]}', { "content-type": "application/json; charset=utf-7" }),
    ],
    ["a prompt in tokens", { ...chat({ prompt: [1, 2] }), path: "/v1/completions" }],
    [
      "a body of a kind that is not read",
      { ...chat({ input: "Hi" }), path: "/v1/responses/compact" },
    ],
    [
      "a session that goes on elsewhere",
      { ...chat({ model: "gpt-realtime" }), path: "/v1/realtime/sessions" },
    ],
    [
      "a session's secret",
      { ...chat({ session: { instructions: "Hi" } }), path: "/v1/realtime/client_secrets" },
    ],
  ] as const) {
    test(`${name} is refused`, async (t) => {
      const { origin } = await runGateway(t, yaml);
      const reply = await call(origin, asked);
      assert.equal(reply.status, 400);
      assert.equal(errorOf(reply)["code"], "uncheckable_body");
      assert.equal(safety.requests.length + foundry.requests.length, 0);
    });
  }

  test("a session over a WebSocket is refused", async (t) => {
    const { origin } = await runGateway(t, yaml);
    const refusal = await refused(origin, "/openai/v1/realtime?model=m");
    assert.deepEqual([refusal.status, errorIn(refusal)["code"]], [400, "uncheckable_body"]);
    assert.equal(foundry.connections.tcp, 0);
  });

  test("a stored response, which has no body, passes", async (t) => {
    const { origin } = await runGateway(t, yaml);
    await call(origin, { path: "/openai/v1/responses/resp_1" });
    assert.equal(foundry.requests.length, 1);
  });
});
