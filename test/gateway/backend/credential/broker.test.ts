// The life of a token, on a clock that the test moves. `ask` answers at once or not at all: a
// request that finds a token does not wait for a promise either.
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./fake-clock.ts";
import { ask, hour, minute, second, startIssuer } from "./issuer.ts";

test("1,000 requests that find no token make 1 call to the issuer, and all get its token", async (t) => {
  const { broker, calls } = startIssuer(t);
  const asked = Array.from({ length: 1_000 }, () => ask(broker));
  await settle();
  assert.equal(calls.length, 1);
  assert.deepEqual([...new Set(asked.map(({ outcome }) => outcome))], ["token-1"]);
});

test("a token is renewed in the background at 55 % of its life, and no request waits", async (t) => {
  const { broker, calls, clock } = startIssuer(t);
  ask(broker);
  await settle();
  await clock.pass(33 * minute - 1);
  assert.deepEqual(calls, [0]);
  assert.equal(ask(broker).outcome, "token-1");
  await clock.pass(1);
  assert.deepEqual(calls, [0, 33 * minute]);
  assert.equal(ask(broker).outcome, "token-2");
});

test("the old token serves while the issuer takes its time over the new one", async (t) => {
  const { broker, calls, clock, act } = startIssuer(t);
  ask(broker);
  await settle();
  const late = Promise.withResolvers<void>();
  act(async () => {
    await late.promise;
    return { token: "late", expiresOn: clock.now() + hour };
  });
  await clock.pass(33 * minute);
  assert.equal(calls.length, 2);
  assert.equal(ask(broker).outcome, "token-1");
  late.resolve();
  await settle();
  assert.equal(ask(broker).outcome, "late");
});

test("a token that nobody asks for is left to lapse, and the next request gets a new one", async (t) => {
  const { broker, calls, clock } = startIssuer(t);
  ask(broker);
  await settle();
  // The first renewal was earned by the request above, the second by nobody.
  await clock.pass(10 * hour);
  assert.equal(calls.length, 2);
  assert.equal(clock.timers(), 0);
  const asked = ask(broker);
  assert.equal(asked.outcome, "waiting");
  await settle();
  assert.equal(asked.outcome, "token-3");
});

test("traffic that comes back after the moment of renewal, but before the end, renews at once", async (t) => {
  const { broker, calls, clock } = startIssuer(t);
  ask(broker);
  await settle();
  await clock.pass(33 * minute);
  assert.equal(calls.length, 2);
  await clock.pass(45 * minute);
  assert.equal(calls.length, 2);
  assert.equal(ask(broker).outcome, "token-2");
  await settle();
  assert.equal(calls.length, 3);
  assert.equal(ask(broker).outcome, "token-3");
});

test("an outage that ends before the token does is not noticed by any request", async (t) => {
  const { broker, calls, clock, failures, fail, grant } = startIssuer(t);
  ask(broker);
  await settle();
  fail();
  await clock.pass(33 * minute);
  assert.equal(failures.length, 1);
  const outcomes = new Set<string>();
  for (let at = 0; at < 26 * minute; at += 10 * second) {
    outcomes.add(ask(broker).outcome);
    await clock.pass(10 * second);
  }
  assert.deepEqual([...outcomes], ["token-1"]);
  // Every 15 s and no oftener: 26 minutes are 104 times 15 s.
  assert.ok(calls.length < 115, String(calls.length));
  grant(hour);
  await clock.pass(20 * second);
  assert.equal(ask(broker).outcome, `token-${calls.length}`);
  await clock.pass(5 * minute);
  assert.equal(ask(broker).outcome, `token-${calls.length}`);
});

test("a cold outage fails requests after 5 s, with growing pauses, and ends by itself", async (t) => {
  const { broker, calls, clock, failures, fail, grant } = startIssuer(t);
  fail();
  const first = ask(broker);
  await clock.pass(5 * second - 1);
  assert.equal(first.outcome, "waiting");
  await clock.pass(1);
  assert.equal(first.outcome, "credential_unavailable");
  assert.deepEqual(calls, [0, 250, 750, 1_750, 3_750]);
  assert.deepEqual(failures[0], { message: "out of order", retryIn: 250 });

  // Ten minutes of requests, of which most fail at once while the issuer is left alone.
  for (let at = 0; at < 10 * minute; at += second) {
    ask(broker);
    await clock.pass(second);
  }
  assert.ok(calls.length < 50, String(calls.length));
  grant(hour);
  const recovering: string[] = [];
  for (let at = 0; at < 16; at += 1) {
    await clock.pass(second);
    recovering.push(ask(broker).outcome);
  }
  assert.equal(recovering.at(-1), `token-${calls.length}`);
});

test("a request that comes while the issuer is left alone for long fails at once", async (t) => {
  const { broker, clock, failures, fail } = startIssuer(t);
  fail();
  while (failures.length < 7) {
    ask(broker);
    await clock.pass(second);
  }
  const asked = ask(broker);
  await settle();
  assert.equal(asked.outcome, "credential_unavailable");
});

test("after a cold outage that nobody watched, the first request gets a token", async (t) => {
  const { broker, calls, clock, fail, grant } = startIssuer(t);
  fail();
  ask(broker);
  await clock.pass(hour);
  // Nobody has asked since: the issuer is not asked for nobody.
  assert.ok(calls.length < 8, String(calls.length));
  assert.equal(clock.timers(), 0);
  grant(hour);
  const asked = ask(broker);
  await settle();
  assert.equal(asked.outcome, `token-${calls.length}`);
});

test("requests that only ever fail at once are enough for the issuer to be tried again", async (t) => {
  const { broker, calls, clock, failures, fail } = startIssuer(t);
  fail();
  while (failures.length < 8) {
    ask(broker);
    await clock.pass(second);
  }
  // Just after a failure the pause is 15 s: these are refused at once.
  const before = calls.length;
  for (let at = 0; at < 9; at += 1) {
    const asked = ask(broker);
    await settle();
    assert.equal(asked.outcome, "credential_unavailable");
    await clock.pass(second);
  }
  await clock.pass(7 * second);
  assert.equal(calls.length, before + 1);
});

test("an issuer that hangs: requests fail after 5 s, the call is given up after 15 s", async (t) => {
  const { broker, calls, clock, signals, failures, hang, grant } = startIssuer(t);
  hang();
  const asked = ask(broker);
  await clock.pass(5 * second);
  assert.equal(asked.outcome, "credential_unavailable");
  const patient = ask(broker);
  await clock.pass(5 * second);
  assert.equal(patient.outcome, "credential_unavailable");
  assert.equal(calls.length, 1);

  const last = ask(broker);
  grant(hour);
  await clock.pass(5 * second);
  assert.equal(signals[0]?.aborted, true);
  assert.match(failures[0]?.message ?? "", /did not answer within 15000 ms/);
  assert.equal(last.outcome, "credential_unavailable");
  await clock.pass(second);
  const recovered = ask(broker);
  await settle();
  assert.equal(recovered.outcome, "token-2");
});

test("an issuer that hangs during a renewal is not noticed by any request", async (t) => {
  const { broker, clock, hang } = startIssuer(t);
  ask(broker);
  await settle();
  hang();
  const outcomes = new Set<string>();
  for (let at = 0; at < 59 * minute; at += 10 * second) {
    outcomes.add(ask(broker).outcome);
    await clock.pass(10 * second);
  }
  assert.deepEqual([...outcomes], ["token-1"]);
});

test("an answer that comes after its call was given up changes nothing", async (t) => {
  const { broker, clock, calls, act, grant } = startIssuer(t);
  const late = Promise.withResolvers<never>();
  act(() => late.promise);
  ask(broker);
  await clock.pass(15 * second);
  grant(hour);
  const asked = ask(broker);
  await clock.pass(second);
  assert.equal(asked.outcome, "token-2");
  late.reject(new Error("too late"));
  await settle();
  assert.equal(ask(broker).outcome, "token-2");
  assert.equal(calls.length, 2);
});

for (const { what, expiry } of [
  { what: "that has expired", expiry: () => -second },
  { what: "that expires now, as one without expires_on", expiry: () => 0 },
  { what: "whose expiry is no number", expiry: () => Number.NaN },
]) {
  test(`a token ${what} is a failure, not a loop`, async (t) => {
    const { broker, calls, clock, failures, act } = startIssuer(t);
    act(async () => ({ token: "t", expiresOn: clock.now() + expiry() }));
    const asked = ask(broker);
    await clock.pass(5 * second);
    assert.equal(asked.outcome, "credential_unavailable");
    assert.equal(calls.length, 5);
    assert.match(failures[0]?.message ?? "", /without an expiry/);
  });
}

for (const life of [60 * 24 * hour, 1_000 * 365 * 24 * hour, Number.POSITIVE_INFINITY]) {
  test(`a token with ${life} ms of life is renewed once a day, beyond the reach of a timer`, async (t) => {
    const { broker, calls, clock, grant } = startIssuer(t);
    grant(life);
    ask(broker);
    await clock.pass(23 * hour);
    assert.equal(calls.length, 1);
    await clock.pass(hour);
    assert.equal(calls.length, 2);
  });
}

test("an issuer that throws instead of rejecting is one that fails", async (t) => {
  const { broker, clock, failures, act, grant } = startIssuer(t);
  act(() => {
    throw new Error("no such file");
  });
  const asked = ask(broker);
  await settle();
  assert.equal(failures[0]?.message, "no such file");
  grant(hour);
  await clock.pass(250);
  assert.equal(asked.outcome, "token-2");
});

test("a stopped broker refuses whoever waits, gives its call up, and sets no timer again", async (t) => {
  const { broker, clock, signals, calls, failures, hang } = startIssuer(t);
  hang();
  const asked = ask(broker);
  broker.stop();
  await settle();
  assert.equal(asked.outcome, "credential_unavailable");
  assert.equal(signals[0]?.aborted, true);
  const late = ask(broker);
  await clock.pass(hour);
  assert.equal(late.outcome, "credential_unavailable");
  assert.equal(calls.length, 1);
  assert.equal(clock.timers(), 0);
  assert.deepEqual(failures, []);
});

test("a broker that is stopped while its issuer answers sets no timer again", async (t) => {
  const { broker, clock, calls } = startIssuer(t);
  ask(broker);
  broker.stop();
  await clock.pass(hour);
  assert.equal(clock.timers(), 0);
  assert.equal(calls.length, 1);
});
