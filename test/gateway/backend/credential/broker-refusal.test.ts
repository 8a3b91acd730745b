// A backend that answers 401 may be right (the token was revoked) or may lack a role for an identity
// that serves other backends well. The first must not live on with a dead token for an hour
// (pitfall 7); the second must not cost the others their token, nor ask the issuer at each request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./fake-clock.ts";
import { ask, hour, minute, second, startIssuer } from "./issuer.ts";

test("a refused token is replaced by 1 call, however many requests were refused", async (t) => {
  const { broker, calls } = startIssuer(t);
  ask(broker);
  await settle();
  const again = Array.from({ length: 1_000 }, () => broker.rejected("token-1"));
  assert.deepEqual([...new Set(again)], [true]);
  const asked = again.map(() => ask(broker, "token-1"));
  await settle();
  assert.equal(calls.length, 2);
  assert.deepEqual([...new Set(asked.map(({ outcome }) => outcome))], ["token-2"]);
});

test("while a refused token is replaced, it serves everybody else", async (t) => {
  const { broker, hang } = startIssuer(t);
  ask(broker);
  await settle();
  hang();
  assert.equal(broker.rejected("token-1"), true);
  const refused = ask(broker, "token-1");
  assert.equal(refused.outcome, "waiting");
  assert.equal(ask(broker).outcome, "token-1");
});

test("a token that was replaced meanwhile costs no call", async (t) => {
  const { broker, calls, clock } = startIssuer(t);
  ask(broker);
  await clock.pass(40 * minute);
  assert.equal(calls.length, 2);
  assert.equal(broker.rejected("token-1"), true);
  assert.equal(ask(broker, "token-1").outcome, "token-2");
  assert.equal(calls.length, 2);
});

test("a backend that refuses every token makes 2 calls a minute, not 1 for each request", async (t) => {
  const { broker, calls, clock } = startIssuer(t);
  ask(broker);
  await settle();
  for (let at = 0; at < 10 * minute; at += second) {
    const token = ask(broker).outcome;
    if (broker.rejected(token)) ask(broker, token);
    await clock.pass(second);
  }
  // The first for the token, then 20 for its refusals.
  assert.equal(calls.length, 21);
});

test("an issuer that gives the same token again is not asked a third time", async (t) => {
  const { broker, calls, clock, act } = startIssuer(t);
  act(async () => ({ token: "same", expiresOn: clock.now() + hour }));
  ask(broker);
  await settle();
  assert.equal(broker.rejected("same"), true);
  await settle();
  assert.equal(ask(broker, "same").outcome, "same");
  assert.equal(broker.rejected("same"), false);
  assert.equal(calls.length, 2);
});

test("during an outage a refusal stays with the refused: the others keep their token", async (t) => {
  const { broker, calls, clock, fail, grant } = startIssuer(t);
  ask(broker);
  await settle();
  fail();
  assert.equal(broker.rejected("token-1"), true);
  const refused = ask(broker, "token-1");
  await clock.pass(5 * second);
  assert.equal(refused.outcome, "credential_unavailable");
  const outcomes = new Set<string>();
  for (let at = 0; at < 10 * minute; at += second) {
    outcomes.add(ask(broker).outcome);
    // The issuer is known to fail: there is nothing to try again with.
    broker.rejected("token-1");
    await clock.pass(second);
  }
  assert.deepEqual([...outcomes], ["token-1"]);
  assert.ok(calls.length < 60, String(calls.length));
  grant(hour);
  await clock.pass(20 * second);
  assert.equal(ask(broker).outcome, `token-${calls.length}`);
});

test("while the issuer is left alone, a refused request is told so at once", async (t) => {
  const { broker, fail } = startIssuer(t);
  ask(broker);
  await settle();
  fail();
  broker.rejected("token-1");
  await settle();
  assert.equal(broker.rejected("token-1"), false);
});
