// The threat: silent truncation. A backend that dies in the middle of a stream must not look like one
// that has finished, or half an answer is stored as a whole one (pitfall 15). The caller gets an error
// event, which the clients of OpenAI's API raise, and a broken end.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import OpenAI, { APIError } from "openai";
import type { Cut } from "../../stand-in/behaviour.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { type RunningGateway, runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  backends: [model(`localhost:${foundry.port}`)],
  policies: { backendAuth: { key: "any" } },
});
const messages = [{ role: "user" as const, content: "Say hello" }];
const pieces = ["Grüße, ", "你好 ", "👋🏽", "!"];

const cuts: readonly { readonly name: string; readonly at: Cut["at"] }[] = [
  { name: "after an event", at: { afterEvent: 3 } },
  { name: "inside an event", at: { insideEvent: 4 } },
  { name: "inside a character", at: { insideCharacter: 3 } },
  { name: "before the first event", at: { afterByte: 0 } },
];

for (const { name, at } of cuts) {
  for (const manner of ["destroy", "reset"] as const) {
    test(`a stream cut ${name} (${manner}) ends with an error event and a broken connection`, async (t) => {
      foundry.next({ kind: "answer", pieces, cut: { at, manner } });
      const gateway = await runGateway(t, yaml);
      const reply = await call(gateway.origin, chat({ messages, stream: true }));
      assert.equal(reply.status, 200);
      assert.equal(reply.ending, "broken");
      expectErrorEvent(reply.body.toString());
      const [line] = await gateway.accessLog(1);
      assert.partialDeepStrictEqual(line, {
        status: 200,
        outcome: "upstream_reset",
        upstreamStatus: 200,
      });
    });

    test(`a stream cut ${name} (${manner}) is an error to the openai client`, async (t) => {
      foundry.next({ kind: "answer", pieces, cut: { at, manner } });
      await expectRaised(await runGateway(t, yaml));
    });
  }
}

test("a stream that falls silent ends likewise after the idle time", async (t) => {
  foundry.next({ kind: "answer", pieces, cut: { at: { afterEvent: 2 }, manner: "silence" } });
  const { origin, accessLog } = await runGateway(t, yaml, {
    timeouts: { connect: 5_000, firstByte: 5_000, idle: 100 },
  });
  const reply = await call(origin, chat({ messages, stream: true }));
  assert.equal(reply.ending, "broken");
  expectErrorEvent(reply.body.toString());
  assert.partialDeepStrictEqual(await accessLog(1), [{ outcome: "upstream_idle_timeout" }]);
});

test("a chunk before the cut that is no event yet is not passed off as one", async (t) => {
  foundry.next({ kind: "answer", pieces, cut: { at: { insideEvent: 4 }, manner: "destroy" } });
  const { origin } = await runGateway(t, yaml);
  const { body } = await call(origin, chat({ messages, stream: true }));
  for (const event of body.toString().split("\n\n").slice(0, -1)) {
    assert.doesNotThrow(() => JSON.parse(event.replace(/^data: /, "")), event);
  }
});

test("a stream whose framing ends well is passed on as it is, [DONE] or not", async (t) => {
  for (const at of [{ afterEvent: 3 }, { insideEvent: 4 }] as const) {
    foundry.next({ kind: "answer", pieces, cut: { at, manner: "end" } });
    const { origin } = await runGateway(t, yaml);
    const reply = await call(origin, chat({ messages, stream: true }));
    assert.equal(reply.ending, "clean");
    assert.equal(reply.body.toString(), foundry.requests.at(-1)?.written.toString());
  }
});

test("a whole answer that is cut is an error to the openai client", async (t) => {
  foundry.next({ kind: "answer", pieces, cut: { at: { afterByte: 50 }, manner: "reset" } });
  const { origin } = await runGateway(t, yaml);
  const openai = new OpenAI({ apiKey: "callers", baseURL: `${origin}/v1`, maxRetries: 0 });
  await assert.rejects(openai.chat.completions.create({ model: "gpt-4", messages }));
});

function expectErrorEvent(text: string): void {
  assert.doesNotMatch(text, /\[DONE\]/);
  const events = text.split("\n\n");
  assert.equal(events.pop(), "");
  const last = JSON.parse(events.pop()?.replace(/^data: /, "") ?? "");
  assert.deepEqual(Object.keys(last), ["error"]);
  assert.match(last.error.code, /^upstream_/);
  assert.equal(typeof last.error.message, "string");
}

async function expectRaised({ origin }: RunningGateway): Promise<void> {
  const openai = new OpenAI({ apiKey: "callers", baseURL: `${origin}/v1`, maxRetries: 0 });
  const stream = await openai.chat.completions.create({ model: "gpt-4", messages, stream: true });
  let seen = 0;
  await assert.rejects(
    async () => {
      for await (const chunk of stream) seen += chunk.choices.length;
    },
    (error) => error instanceof APIError && error.code === "upstream_reset",
  );
  assert.ok(seen <= pieces.length + 1);
}
