// How much may be used: what a caller sees of its limit, and when it is let in again.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, errorOf } from "../caller.ts";
import { type WrittenRoute, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { minute, second, standingClock } from "./standing-clock.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const limit = { maxTokens: 2, tokensPerFill: 2, fillInterval: "1m" } as const;
const ask = chat({ messages: [{ role: "user", content: "Hi" }] });
const as = (key: string) => ({ ...ask, headers: { ...ask.headers, "api-key": key } });

const limited = (policies: WrittenRoute["policies"]) =>
  routes({
    backends: [model(`localhost:${foundry.port}`)],
    policies: { backendAuth: { key: "any" }, ...policies },
  });
const keys = [{ key: "key-of-one" }, { key: "key-of-other" }];

test("requests: the answers count down, then 429 says when to come back, and then it is so", async (t) => {
  const clock = standingClock();
  const { origin } = await runGateway(t, limited({ localRateLimit: [limit] }), { clock });
  for (const remaining of ["1", "0"]) {
    const { status, headers } = await call(origin, ask);
    assert.equal(status, 200);
    assert.equal(headers["x-ratelimit-limit-requests"], "2");
    assert.equal(headers["x-ratelimit-remaining-requests"], remaining);
    assert.equal(headers["x-ratelimit-reset-requests"], "60s");
  }
  clock.pass(20 * second);
  const refused = await call(origin, ask);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers["retry-after"], "40");
  assert.equal(refused.headers["x-ratelimit-remaining-requests"], "0");
  assert.deepEqual(errorOf(refused), {
    message: "Rate limit for requests reached: try again in 40 s.",
    type: "rate_limit_error",
    code: "rate_limit_exceeded",
    param: null,
  });
  assert.equal(foundry.requests.length, 2);
  clock.pass(40 * second);
  assert.equal((await call(origin, ask)).status, 200);
});

test("requests at the same time: exactly as many as the bucket holds go through", async (t) => {
  const { origin } = await runGateway(
    t,
    limited({ localRateLimit: [{ ...limit, maxTokens: 10 }] }),
    { clock: standingClock() },
  );
  const replies = await Promise.all(Array.from({ length: 50 }, () => call(origin, ask)));
  assert.equal(replies.filter(({ status }) => status === 200).length, 10);
  assert.equal(replies.filter(({ status }) => status === 429).length, 40);
  assert.equal(foundry.requests.length, 10);
});

test("tokens: the real usage is taken afterwards, and a debt is paid off before the next", async (t) => {
  const clock = standingClock();
  const { origin, accessLog } = await runGateway(
    t,
    limited({
      localRateLimit: [{ maxTokens: 100, tokensPerFill: 50, fillInterval: "1m", type: "tokens" }],
    }),
    { clock },
  );
  foundry.always({ kind: "answer", usage: { promptTokens: 150, completionTokens: 30 } });
  const first = await call(origin, ask);
  assert.equal(first.headers["x-ratelimit-limit-tokens"], "100");
  assert.equal(first.headers["x-ratelimit-remaining-tokens"], "100");
  await accessLog(1);
  const refused = await call(origin, ask);
  assert.equal(refused.status, 429);
  // 80 in debt: two fillings make it 20.
  assert.equal(refused.headers["retry-after"], "120");
  assert.match(String(errorOf(refused)["message"]), /tokens/);
  clock.pass(2 * minute);
  assert.equal((await call(origin, ask)).headers["x-ratelimit-remaining-tokens"], "20");
});

test("tokens of a stream are counted, though its caller did not ask for them", async (t) => {
  const { origin, accessLog } = await runGateway(
    t,
    limited({
      localRateLimit: [{ maxTokens: 100, tokensPerFill: 1, fillInterval: "1m", type: "tokens" }],
    }),
    { clock: standingClock() },
  );
  foundry.always({ kind: "answer", usage: { promptTokens: 10, completionTokens: 20 } });
  await call(origin, chat({ messages: [{ role: "user", content: "Hi" }], stream: true }));
  await accessLog(1);
  const { headers } = await call(origin, ask);
  assert.equal(headers["x-ratelimit-remaining-tokens"], "70");
});

test("per caller: one's limit is not another's, whichever header the key comes in", async (t) => {
  const { origin } = await runGateway(
    t,
    limited({ apiKey: { keys }, localRateLimit: [{ ...limit, per: "caller" }] }),
    { clock: standingClock() },
  );
  const one = { ...ask, headers: { ...ask.headers, authorization: "Bearer key-of-one" } };
  assert.equal((await call(origin, as("key-of-one"))).status, 200);
  assert.equal((await call(origin, one)).status, 200);
  assert.equal((await call(origin, as("key-of-one"))).status, 429);
  assert.equal((await call(origin, as("key-of-other"))).status, 200);
});

test("the whole route: one caller can use up what all share", async (t) => {
  const { origin } = await runGateway(t, limited({ apiKey: { keys }, localRateLimit: [limit] }), {
    clock: standingClock(),
  });
  for (const key of ["key-of-one", "key-of-one"]) await call(origin, as(key));
  assert.equal((await call(origin, as("key-of-other"))).status, 429);
});

test("a caller that is refused for its key uses up nothing", async (t) => {
  const { origin } = await runGateway(t, limited({ apiKey: { keys }, localRateLimit: [limit] }), {
    clock: standingClock(),
  });
  for (let at = 0; at < 5; at += 1) assert.equal((await call(origin, as("wrong"))).status, 401);
  assert.equal((await call(origin, as("key-of-one"))).status, 200);
});

test("several limits hold together", async (t) => {
  const clock = standingClock();
  const { origin } = await runGateway(
    t,
    limited({ localRateLimit: [limit, { maxTokens: 3, tokensPerFill: 3, fillInterval: "1h" }] }),
    { clock },
  );
  for (const status of [200, 200, 429]) assert.equal((await call(origin, ask)).status, status);
  clock.pass(minute);
  for (const status of [200, 429]) assert.equal((await call(origin, ask)).status, status);
});
