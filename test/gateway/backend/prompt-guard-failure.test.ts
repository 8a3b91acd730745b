// Content Safety that fails, throttles, refuses or keeps silent: what the config chose happens, the log
// says which, and neither a prompt nor a token is in it.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { call, chat, errorOf, open } from "../caller.ts";
import { runGateway } from "../running-gateway.ts";
import { guardsOf, startGuarding } from "./guarding.ts";

const guarding = await startGuarding();
const { foundry, safety, identity, tokens, guard, config } = guarding;
beforeEach(async () => {
  guarding.reset();
  await safety.acceptConnections();
});
after(() => guarding.close());

const secretPrompt = "the plan for the castle";
const ask = chat({ messages: [{ role: "user", content: secretPrompt }] });
const closed = config({ request: [guard()] });
const lenient = config({ request: [guard({ analyzeText: {}, failureMode: "failOpen" })] });
const both = { analyzeText: {}, detectJailbreak: {} };

const faults: readonly (readonly [failure: string, fault: () => void | Promise<void>])[] = [
  ["status_429", () => safety.always({ kind: "status", status: 429, code: "429" })],
  ["status_500", () => safety.always({ kind: "status", status: 500, code: "InternalError" })],
  ["status_401", () => safety.always({ kind: "status", status: 401, code: "401" })],
  ["status_404", () => safety.always({ kind: "status", status: 404, code: "404" })],
  ["upstream_connect", () => safety.refuseConnections()],
  ["unreadable_answer", () => safety.always({ kind: "body", body: secretPrompt })],
  ["unreadable_answer", () => safety.always({ kind: "body", body: "{}" })],
  [
    "unreadable_answer",
    () => safety.always({ kind: "body", body: '{"categoriesAnalysis":[{"category":"Hate"}]}' }),
  ],
  ["unreadable_answer", () => safety.always({ kind: "body", body: `"${"x".repeat(300_000)}"` })],
];

for (const [failure, fault] of faults) {
  describe(`${failure}`, () => {
    test("closed: 503, and no model hears of the prompt", async (t) => {
      const gateway = await runGateway(t, closed);
      await fault();
      const reply = await call(gateway.origin, ask);
      assert.equal(reply.status, 503);
      const { code, type } = errorOf(reply);
      assert.deepEqual([code, type], ["guard_unavailable", "api_error"]);
      assert.equal(reply.headers["retry-after"], "5");
      assert.equal(foundry.requests.length, 0);
      const [line] = await gateway.accessLog(1);
      assert.equal(line?.["outcome"], "guard_unavailable");
      assert.deepEqual(await guardsOf(gateway), { request: { verdict: "failed_closed", failure } });
      const logged = gateway.logText();
      assert.ok(!logged.includes(secretPrompt));
      for (const { token } of tokens.all()) assert.ok(!logged.includes(token));
    });

    test("open: the model answers, and the log has it", async (t) => {
      const gateway = await runGateway(t, lenient);
      await fault();
      assert.equal((await call(gateway.origin, ask)).status, 200);
      assert.equal(foundry.requests.length, 1);
      assert.deepEqual(await guardsOf(gateway), { request: { verdict: "failed_open", failure } });
      assert.ok(!gateway.logText().includes(secretPrompt));
    });
  });
}

test("silence ends after policies.http.requestTimeout, and the call with it", async (t) => {
  const policies = {
    backendAuth: {
      key: { value: "safety-key", location: { header: { name: "Ocp-Apim-Subscription-Key" } } },
    },
    http: { requestTimeout: "50ms" },
  };
  const gateway = await runGateway(t, config({ request: [guard({ analyzeText: {}, policies })] }));
  assert.equal((await call(gateway.origin, ask)).status, 200);
  safety.always({ kind: "hang" });
  assert.equal((await call(gateway.origin, ask)).status, 503);
  assert.deepEqual(await guardsOf(gateway, 2), {
    request: { verdict: "failed_closed", failure: "timeout" },
  });
  await safety.requests.at(-1)?.whenAborted;
});

test("a route's own time limit holds while the guard is asked", async (t) => {
  const { origin } = await runGateway(
    t,
    config({ request: [guard()] }, { policies: { timeout: { requestTimeout: "100ms" } } }),
  );
  safety.always({ kind: "hang" });
  const reply = await call(origin, ask);
  assert.equal(reply.status, 504);
  assert.equal(errorOf(reply)["code"], "request_timeout");
});

test("a caller that leaves ends the call", async (t) => {
  const gateway = await runGateway(t, closed);
  safety.always({ kind: "hang" });
  const { request, answer } = open(gateway.origin, ask);
  request.end(ask.body);
  const received = await safety.whenReceived(1);
  request.destroy();
  await received.whenAborted;
  await assert.rejects(answer);
  const [line] = await gateway.accessLog(1);
  assert.equal(line?.["outcome"], "client_closed");
  assert.equal(foundry.requests.length, 0);
});

test("a token that is refused is renewed, and the check made with the new one", async (t) => {
  const { origin } = await runGateway(t, closed);
  assert.equal((await call(origin, ask)).status, 200);
  tokens.revoke();
  assert.equal((await call(origin, ask)).status, 200);
  assert.equal(safety.requests.length, 3);
  assert.equal(foundry.requests.length, 2);
});

test("without a token nothing is asked, and nothing sent", async (t) => {
  const dead = config({
    request: [
      guard({
        analyzeText: {},
        policies: { backendAuth: { azure: { explicitConfig: { workloadIdentity: {} } } } },
      }),
    ],
  });
  const gateway = await runGateway(t, dead);
  assert.equal((await call(gateway.origin, ask)).status, 503);
  assert.equal(safety.requests.length + foundry.requests.length, 0);
  assert.deepEqual(await guardsOf(gateway), {
    request: { verdict: "failed_closed", failure: "credential_unavailable" },
  });
});

test("a kept-alive connection that has gone stale is replaced", async (t) => {
  const { origin } = await runGateway(t, closed);
  assert.equal((await call(origin, ask)).status, 200);
  safety.dropIdleConnections();
  assert.equal((await call(origin, ask)).status, 200);
  assert.ok(identity.calls.length > 0);
});

test("what one call has found counts, though another has failed", async (t) => {
  for (const failureMode of ["failOpen", "failClosed"] as const) {
    const { origin } = await runGateway(t, config({ request: [guard({ ...both, failureMode })] }));
    safety.next({ kind: "status", status: 500, code: "InternalError" });
    const harmful = chat({ messages: [{ role: "user", content: "harm-Hate-6 attack!" }] });
    assert.equal((await call(origin, harmful)).status, 403, failureMode);
  }
});
