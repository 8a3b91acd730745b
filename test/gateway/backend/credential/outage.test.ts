// What callers notice of Entra's bad days, through the whole gateway over sockets. The clock is the
// test's, so that ten minutes pass in a second; the tokens last an hour.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type { IssuerBehaviour } from "../../../stand-in/issuer-behaviour.ts";
import { type Reply, call, errorOf } from "../../caller.ts";
import { runGateway } from "../../running-gateway.ts";
import { askWhilePassing, chance, question, quiet, startKeyless, until } from "./keyless.ts";

const azure = await startKeyless();
const { clock, foundry, identity, tokens, config } = azure;
const options = { clock, random: chance };
beforeEach(() => azure.reset());
after(() => azure.close());

const minute = 60_000;

function isCredentialFailure(reply: Reply): void {
  assert.equal(reply.status, 502);
  const { message, code, type } = errorOf(reply);
  assert.deepEqual(
    { message, code, type },
    {
      message: "The gateway could not authenticate to the backend.",
      code: "credential_unavailable",
      type: "api_error",
    },
  );
  assert.match(String(reply.headers["x-request-id"]), /^\S+$/);
}

test("1,000 cold requests in parallel make 1 identity call, and all succeed", async (t) => {
  identity.next({ kind: "outage" });
  const { origin, logText } = await runGateway(t, config, options);
  // The call that the start makes fails, and the issuer is left alone until time passes.
  await until(() => logText().includes("no token"));
  identity.reset();
  const before = clock.timers();
  const asked = Array.from({ length: 1_000 }, () => call(origin, question));
  // Each request that waits for the token has a timer, for its deadline.
  await until(() => clock.timers() - before >= 1_000);
  assert.equal(foundry.requests.length, 0);
  await clock.pass(250);
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)], [200]);
  assert.equal(identity.calls.length, 1);
  assert.equal(foundry.requests.length, 1_000);
  assert.equal(new Set(foundry.requests.map(({ token }) => token?.token)).size, 1);
  t.diagnostic(`${asked.length} requests, ${identity.calls.length} identity call`);
});

for (const how of ["status 500", "refused connections", "throttling", "silence"] as const) {
  test(`10 minutes of ${how} at the identity endpoint fail 0 requests while a token is warm`, async (t) => {
    const { origin } = await runGateway(t, config, options);
    assert.equal((await call(origin, question)).status, 200);
    // The token is renewed after 32 minutes: the outage begins before and ends after.
    await clock.pass(30 * minute);
    if (how === "status 500") identity.always({ kind: "outage" });
    if (how === "throttling") identity.always({ kind: "throttled", retryAfterSeconds: 60 });
    if (how === "silence") identity.always({ kind: "hang" });
    if (how === "refused connections") await identity.refuseConnections();
    const callsBefore = identity.calls.length;

    const statuses: number[] = [];
    for (let at = 0; at < 10 * minute; at += 5_000) {
      if (how !== "silence") await quiet(clock);
      const replies = await Promise.all([1, 2, 3].map(() => call(origin, question)));
      statuses.push(...replies.map(({ status }) => status));
      await clock.pass(5_000);
    }
    const failed = statuses.filter((status) => status !== 200).length;
    const callsDuring = identity.calls.length - callsBefore;
    t.diagnostic(`${statuses.length} requests, ${failed} failed, ${callsDuring} identity calls`);
    assert.equal(statuses.length, 360);
    assert.equal(failed, 0);
    // Refused connections are no calls; else the endpoint is asked, but not in a storm.
    assert.ok(callsDuring <= 45, String(callsDuring));

    // When it is back, a new token is in use before the old one ends.
    await azure.reset();
    const old = tokens.all().at(-1);
    while (tokens.all().at(-1) === old) {
      await clock.pass(1_000);
      await quiet(clock);
    }
    assert.ok(old !== undefined && tokens.isGood(old));
    assert.equal((await askWhilePassing(origin, clock)).status, 200);
    assert.equal(foundry.requests.at(-1)?.token?.token, tokens.all().at(-1)?.token);
  });
}

const outages: readonly {
  readonly kind: string;
  readonly behaviour: IssuerBehaviour | "refused";
}[] = [
  { kind: "status 500", behaviour: { kind: "outage" } },
  { kind: "throttling with 429", behaviour: { kind: "throttled", retryAfterSeconds: 60 } },
  { kind: "connections that end without an answer", behaviour: { kind: "noAnswer" } },
  { kind: "refused connections", behaviour: "refused" },
  { kind: "tokens without an expiry", behaviour: { kind: "answer", expiry: "absent" } },
  { kind: "an answer that is none", behaviour: { kind: "status", status: 200, body: {} } },
];
for (const { kind, behaviour } of outages) {
  test(`a gateway that starts during ${kind} answers 502, and recovers by itself`, async (t) => {
    if (behaviour === "refused") await identity.refuseConnections();
    else identity.always(behaviour);
    const { origin, logged } = await runGateway(t, config, options);
    for (let request = 0; request < 5; request += 1) {
      isCredentialFailure(await askWhilePassing(origin, clock));
    }
    assert.equal(foundry.requests.length, 0);
    const failures = logged().filter(({ msg }) => msg === "no token");
    assert.ok(failures.length > 0);
    assert.equal(failures[0]?.["credential"], "system-assigned managed identity");
    assert.match(String(failures[0]?.["error"]), /localhost:\d+\/msi\/token|without an expiry/);

    await azure.reset();
    let recovered = await askWhilePassing(origin, clock);
    // At most 19 s of leaving the issuer alone are left, in which requests fail at once.
    for (let turn = 0; recovered.status !== 200 && turn < 80; turn += 1) {
      await clock.pass(250);
      await quiet(clock);
      recovered = await askWhilePassing(origin, clock);
    }
    assert.equal(recovered.status, 200);
    assert.ok(identity.calls.length <= 2, String(identity.calls.length));
  });
}

test("an endpoint that hangs costs a request 5 s, not more, and nobody a connection for ever", async (t) => {
  identity.always({ kind: "hang" });
  const { origin, logText } = await runGateway(t, config, options);
  await until(() => identity.calls.length === 1);
  const before = clock.timers();
  const asked = call(origin, question);
  await until(() => clock.timers() > before);
  await clock.pass(4_999);
  assert.equal(foundry.requests.length, 0);
  await clock.pass(1);
  isCredentialFailure(await asked);

  await clock.pass(10_000);
  assert.match(logText(), /did not answer within 15000 ms/);
  await identity.calls[0]?.received.whenAborted;
});

test("a token is renewed while requests go on, and they go on with the new one", async (t) => {
  const { origin } = await runGateway(t, config, options);
  assert.equal((await call(origin, question)).status, 200);
  const statuses: number[] = [];
  for (let at = 0; at < 180 * minute; at += 10_000) {
    if (at % minute === 0) statuses.push((await call(origin, question)).status);
    await clock.pass(10_000);
    await quiet(clock);
  }
  assert.equal(statuses.length, 180);
  assert.deepEqual([...new Set(statuses)], [200]);
  // Every 32.4 minutes.
  assert.equal(identity.calls.length, 6);
  const used = new Set(foundry.requests.map(({ token }) => token?.token));
  assert.deepEqual(
    [...used],
    identity.calls.map(({ token }) => token?.token),
  );
  t.diagnostic("180 requests in 3 hours, 0 failed, 6 identity calls");
});
