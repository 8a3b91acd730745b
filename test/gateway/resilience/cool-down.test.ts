// How long a backend is left alone comes from its own headers (openai-python 937, LiteLLM 5358), and
// when all are, the caller is told at once when to come back.
import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { after, beforeEach, test } from "node:test";
import { coolDownOf, rateLimitCoolDown } from "../../../gateway/backend/cool-down.ts";
import { call, errorOf } from "../caller.ts";
import { runGateway } from "../running-gateway.ts";
import { counts, inGroups, question, startFoundries, streamed } from "./backends.ts";

const now = Date.UTC(2026, 10, 22, 12, 0, 0);
const forms: readonly (readonly [IncomingHttpHeaders, number | undefined])[] = [
  [{}, undefined],
  [{ "retry-after-ms": "1500" }, 1_500],
  [{ "retry-after-ms": "0" }, 0],
  [{ "x-ms-retry-after-ms": "250.5" }, 250.5],
  [{ "retry-after": "7" }, 7_000],
  [{ "retry-after": " 7 " }, 7_000],
  [{ "retry-after": "0.5" }, 500],
  [{ "retry-after": "Sun, 22 Nov 2026 12:00:30 GMT" }, 30_000],
  [{ "retry-after": "Sunday, 22-Nov-26 12:00:30 GMT" }, 30_000],
  [{ "retry-after": "Sun, 22 Nov 2026 11:00:00 GMT" }, 0],
  [{ "retry-after": "soon" }, undefined],
  [{ "retry-after": "-5" }, undefined],
  [{ "retry-after": "1e9" }, undefined],
  [{ "x-ratelimit-reset-requests": "1.5s" }, 1_500],
  [{ "x-ratelimit-reset-tokens": "1m30s" }, 90_000],
  [{ "x-ratelimit-reset-tokens": "2m" }, 120_000],
  [{ "x-ratelimit-reset-tokens": "20ms" }, 20],
  [{ "x-ratelimit-reset-tokens": "30" }, 30_000],
  [{ "x-ratelimit-reset-tokens": "a while" }, undefined],
  [{ "x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "9s" }, 9_000],
  // Only the limit that is used up has to be waited for.
  [
    {
      "x-ratelimit-reset-requests": "1s",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-tokens": "9s",
      "x-ratelimit-remaining-tokens": "12",
    },
    1_000,
  ],
  // The most precise wins.
  [{ "retry-after-ms": "100", "x-ms-retry-after-ms": "200", "retry-after": "9" }, 100],
  [{ "x-ms-retry-after-ms": "200", "retry-after": "9" }, 200],
  [{ "retry-after": "9", "x-ratelimit-reset-requests": "1s" }, 9_000],
  [{ "retry-after-ms": "soon", "retry-after": "9" }, 9_000],
  // Two minutes at most, however long it is said to be.
  [{ "x-ratelimit-reset-tokens": "2m30s" }, 120_000],
  [{ "x-ratelimit-reset-tokens": "6m0s" }, 120_000],
  [{ "retry-after": "86400" }, 120_000],
  [{ "retry-after": "Mon, 23 Nov 2026 12:00:00 GMT" }, 120_000],
  [{ "retry-after-ms": "99999999999999999999" }, 120_000],
];

for (const [headers, expected] of forms) {
  test(`${JSON.stringify(headers)} is ${expected ?? "no"} ms of rest`, () => {
    assert.equal(coolDownOf(headers, now), expected);
  });
}

test("a 429 that says nothing is five seconds", () => {
  assert.equal(rateLimitCoolDown({}, now), 5_000);
});

const foundries = await startFoundries(2);
const [first, second] = foundries;
assert.ok(first !== undefined && second !== undefined);
beforeEach(() => foundries.forEach((foundry) => foundry.reset()));
after(() => Promise.all(foundries.map((foundry) => foundry.close())));

for (const limit of [
  { retryAfterMs: 30_000 },
  { xMsRetryAfterMs: 30_000 },
  { retryAfter: 30 },
  { retryAfter: new Date(now + 30_000).toUTCString() },
  { resetRequests: "30s" },
  { resetTokens: "30" },
]) {
  test(`a backend that says ${JSON.stringify(limit)} gets no request for so long, and then again`, async (t) => {
    let time = now;
    const clock = { now: () => time, after: () => () => undefined };
    const { origin, gateway, logged } = await runGateway(t, inGroups(foundries), { clock });
    first.next({ kind: "rateLimited", ...limit });
    await call(origin, question);
    time += 29_999;
    await call(origin, streamed);
    assert.deepEqual(counts(foundries), [1, 2]);
    time += 1;
    await call(origin, question);
    assert.deepEqual(counts(foundries), [2, 2]);
    assert.equal(gateway.counts().coolDowns, 1);
    assert.ok(logged().some((line) => line["kind"] === "limited" && line["forMs"] === 30_000));
  });
}

for (const attempts of [undefined, 5]) {
  test(`when all are cooling down, the caller gets 429 with the earliest time at once (attempts ${attempts ?? "not given"})`, async (t) => {
    const policies = attempts === undefined ? {} : { retry: { attempts } };
    const clock = { now: () => now, after: () => () => undefined };
    const { origin, accessLog } = await runGateway(t, inGroups(foundries, policies), { clock });
    first.next({ kind: "rateLimited", retryAfter: 20 });
    second.next({ kind: "rateLimited", retryAfter: 60 });
    for (let turn = 0; turn < 3; turn += 1) {
      const reply = await call(origin, question);
      assert.equal(reply.status, 429);
      // The first's, although the second was the last to say no.
      assert.equal(reply.headers["retry-after"], "20");
      assert.deepEqual(
        [errorOf(reply)["code"], errorOf(reply)["type"]],
        ["rate_limit_exceeded", "rate_limit_error"],
      );
      assert.deepEqual(counts(foundries), [1, 1]);
    }
    const lines = await accessLog(3);
    assert.partialDeepStrictEqual(lines[2], { outcome: "backends_limited", attempts: 0 });
  });
}

test("a single backend is never left out: Azure's own 429 is the caller's answer", async (t) => {
  const { origin } = await runGateway(t, inGroups([first]));
  first.always({ kind: "rateLimited", retryAfter: 60 });
  for (const turn of [1, 2]) {
    const reply = await call(origin, question);
    assert.deepEqual([reply.status, reply.headers["retry-after"]], [429, "60"]);
    assert.match(reply.body.toString(), /exceeded the call rate limit/);
    assert.equal(first.requests.length, turn);
  }
});
