// The time of day can be put forward and back under a running gateway, and stands still for one
// that sleeps. Neither may leave it without a token, or in a loop.
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./fake-clock.ts";
import { ask, hour, minute, second, startIssuer } from "./issuer.ts";

test("after a sleep past the token's end the first request gets a new one", async (t) => {
  const { broker, calls, clock } = startIssuer(t);
  ask(broker);
  await settle();
  clock.putForward(5 * hour);
  const asked = ask(broker);
  assert.equal(asked.outcome, "waiting");
  await settle();
  assert.equal(asked.outcome, "token-2");
  assert.equal(calls.length, 2);
});

test("after a sleep past the moment of renewal the first request renews, and does not wait", async (t) => {
  const { broker, calls, clock } = startIssuer(t);
  ask(broker);
  await settle();
  clock.putForward(50 * minute);
  assert.equal(ask(broker).outcome, "token-1");
  await settle();
  assert.equal(ask(broker).outcome, "token-2");
  // The timer of the first token must not renew the second.
  await clock.pass(32 * minute);
  assert.equal(calls.length, 2);
});

test("a clock put back leaves the renewal where it was", async (t) => {
  const { broker, calls, clock } = startIssuer(t);
  ask(broker);
  await settle();
  clock.putForward(-24 * hour);
  assert.equal(ask(broker).outcome, "token-1");
  await clock.pass(33 * minute);
  assert.equal(calls.length, 2);
  assert.equal(ask(broker).outcome, "token-2");
});

test("a clock put back during a cold outage does not prolong it", async (t) => {
  const { broker, calls, clock, fail, grant } = startIssuer(t);
  fail();
  ask(broker);
  await clock.pass(4 * second);
  clock.putForward(-24 * hour);
  grant(hour);
  const outcomes: string[] = [];
  for (let at = 0; at < 20; at += 1) {
    outcomes.push(ask(broker).outcome);
    await clock.pass(second);
  }
  assert.equal(outcomes.at(-1), `token-${calls.length}`);
});

test("a clock put forward during a cold outage does not turn it into a storm", async (t) => {
  const { broker, calls, clock, fail } = startIssuer(t);
  fail();
  ask(broker);
  await clock.pass(10 * second);
  const before = calls.length;
  clock.putForward(24 * hour);
  for (let at = 0; at < 100; at += 1) ask(broker);
  await clock.pass(second);
  assert.ok(calls.length <= before + 1, `${calls.length} after ${before}`);
});

test("a clock put back does not forbid the renewal of a refused token for as long", async (t) => {
  const { broker, clock, calls } = startIssuer(t);
  ask(broker);
  await settle();
  assert.equal(broker.rejected("token-1"), true);
  await settle();
  clock.putForward(-24 * hour);
  assert.equal(broker.rejected("token-2"), true);
  await settle();
  assert.equal(calls.length, 3);
});
