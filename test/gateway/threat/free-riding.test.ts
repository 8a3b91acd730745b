// The threat: a caller that uses tokens and does not pay for them. The backend tells its usage last,
// so a caller that leaves a stream just before, or closes before an answer begins, would never reach
// its limit. What it has had is estimated instead; a reported count that makes no sense is no gift.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { tokensUsed } from "../../../gateway/request/tokens-used.ts";
import { accessRecord } from "../../../gateway/request/access-record.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, open } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { standingClock } from "../policy/standing-clock.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  backends: [model(`localhost:${foundry.port}`)],
  policies: {
    backendAuth: { key: "any" },
    localRateLimit: [{ maxTokens: 50, tokensPerFill: 1, fillInterval: "1h", type: "tokens" }],
  },
});
const ask = (stream: boolean) =>
  chat({ messages: [{ role: "user", content: "word ".repeat(20) }], stream });
const remaining = async (origin: string) =>
  Number((await call(origin, ask(false))).headers["x-ratelimit-remaining-tokens"]);

test("a caller that leaves each stream after its first bytes reaches its limit all the same", async (t) => {
  const { origin, accessLog } = await runGateway(t, yaml, { clock: standingClock() });
  let streams = 0;
  for (; streams < 20; streams += 1) {
    foundry.next({
      kind: "answer",
      chunkDelayMs: 20,
      content: "one two three four five six seven",
    });
    const { request, answer } = open(origin, ask(true));
    request.end(ask(true).body);
    const answered = await answer;
    if (answered.statusCode === 429) {
      answered.resume();
      break;
    }
    answered.once("data", () => request.destroy());
    answered.on("error", () => {});
    await accessLog(streams + 1);
  }
  assert.ok(streams > 0 && streams < 5, `${streams} streams for nothing`);
});

test("a caller that leaves before the answer begins has at least asked", async (t) => {
  const { origin, accessLog } = await runGateway(t, yaml, { clock: standingClock() });
  foundry.next({ kind: "hang" });
  const { request, answer } = open(origin, ask(false));
  answer.catch(() => {});
  request.end(ask(false).body);
  await foundry.whenReceived(1);
  request.destroy();
  await accessLog(1);
  assert.ok((await remaining(origin)) < 25);
});

test("an answer that is an error, or never came for the backend's fault, costs nothing", async (t) => {
  const { origin, accessLog } = await runGateway(t, yaml, { clock: standingClock() });
  foundry.next({ kind: "status", status: 500, body: { error: {} } });
  await call(origin, ask(false));
  foundry.next({ kind: "garbage" });
  await call(origin, ask(false));
  await accessLog(2);
  assert.equal(await remaining(origin), 50);
});

test("an estimate empties an allowance, and makes no debt", async (t) => {
  const { origin, accessLog } = await runGateway(t, yaml, { clock: standingClock() });
  const image = chat({ messages: [{ role: "user", content: "i".repeat(1_000_000) }] });
  foundry.next({ kind: "hang" });
  const { request, answer } = open(origin, image);
  answer.catch(() => {});
  request.end(image.body);
  await foundry.whenReceived(1);
  request.destroy();
  await accessLog(1);
  const { status, headers } = await call(origin, ask(false));
  assert.equal(status, 429);
  assert.equal(headers["retry-after"], "3600");
});

for (const total of [Number.POSITIVE_INFINITY, Number.NaN, -5_000, 0]) {
  test(`a reported total of ${total} changes nothing`, () => {
    const record = accessRecord("id", 3000, "POST", "/");
    record.tokens = { input: 0, output: 0, total };
    assert.deepEqual(tokensUsed(record), { total: 0, source: "reported" });
  });
}
