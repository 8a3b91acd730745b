// A backend that fails again and again gets no requests for a while, and never all of them.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { call } from "../caller.ts";
import { runGateway } from "../running-gateway.ts";
import { counts, inGroups, question, startFoundries, streamed } from "./backends.ts";

const foundries = await startFoundries(2);
const [first, second] = foundries;
assert.ok(first !== undefined && second !== undefined);
beforeEach(() => foundries.forEach((foundry) => foundry.reset()));
after(() => Promise.all(foundries.map((foundry) => foundry.close())));

test("a backend that fails three times in a row is left alone, and tried last when all are", async (t) => {
  const { origin, gateway, logged } = await runGateway(t, inGroups([first, second]));
  first.always({ kind: "status", status: 500 });
  for (let turn = 0; turn < 6; turn += 1) await call(origin, question);
  assert.deepEqual(counts(foundries), [3, 6]);
  assert.equal(gateway.counts().evictions, 1);
  assert.ok(logged().some(({ kind, backend }) => kind === "evicted" && backend === "b0"));
  second.always({ kind: "status", status: 500 });
  assert.equal((await call(origin, question)).status, 500);
  // Better tried than refused.
  assert.deepEqual(counts(foundries), [4, 7]);
});

test("eviction is after as many failures and for as long as configured, then one request probes", async (t) => {
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => now, after: () => () => undefined };
  const policies = { health: { eviction: { consecutiveFailures: 2, duration: "10s" } } };
  const { origin } = await runGateway(t, inGroups([first, second], policies), { clock });
  first.always({ kind: "status", status: 500 });
  for (let turn = 0; turn < 5; turn += 1) await call(origin, question);
  assert.equal(first.requests.length, 2);
  now += 10_000;
  // Still ill: one request finds out, and it rests again.
  for (let turn = 0; turn < 3; turn += 1) await call(origin, question);
  assert.equal(first.requests.length, 3);
  now += 10_000;
  first.reset();
  for (let turn = 1; turn <= 3; turn += 1) {
    await call(origin, question);
    assert.equal(first.requests.length, turn);
  }
});

test("a clock that is put back an hour does not keep a backend out for an hour", async (t) => {
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => now, after: () => () => undefined };
  const { origin } = await runGateway(t, inGroups([first, second]), { clock });
  first.next({ kind: "rateLimited", retryAfter: 60 });
  await call(origin, question);
  now -= 3_600_000;
  await call(origin, question);
  assert.deepEqual(counts(foundries), [2, 1]);
});

test("a backend whose streams break off in the middle is evicted like one that does not answer", async (t) => {
  const { origin, gateway } = await runGateway(t, inGroups([first, second]));
  first.always({ kind: "answer", cut: { at: { afterEvent: 3 }, manner: "reset" } });
  for (let turn = 0; turn < 3; turn += 1) {
    assert.equal((await call(origin, streamed)).ending, "broken");
  }
  assert.equal((await call(origin, streamed)).ending, "clean");
  assert.equal(gateway.counts().evictions, 1);
});
