// What holds for the stream of a chat completion holds for every other format's: each event goes on as
// it arrives (pitfall 14), to the byte wherever the network cuts it (16), with its usage counted and
// nothing held back (12), and one that breaks never looks whole (15).
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, open } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { azure, form, json, messages } from "./format-calls.ts";

const foundry = await startFoundry({ accept: "any", everyday: { content: "Grüße, 你好 👋🏽 !" } });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({ backends: [azure()] });
const running = { upstreamPort: foundry.port };
const stream = true;
const counted = { input: 11, output: 7, total: 18 };

const formats: readonly (readonly [name: string, asked: Call, tokens: object])[] = [
  [
    "text completions",
    json("/v1/completions", {
      model: "m",
      prompt: "Hi",
      stream,
      stream_options: { include_usage: true },
    }),
    counted,
  ],
  ["responses", json("/v1/responses", { model: "m", input: "Hi", stream }), counted],
  [
    "messages",
    json("/v1/messages", { model: "m", messages, stream }),
    { input: 16, output: 7, total: 23 },
  ],
  ["images", json("/v1/images/generations", { model: "m", prompt: "Hi", stream }), counted],
  [
    "image edits",
    form("/v1/images/edits", [
      ["image", "x"],
      ["model", "m"],
      ["stream", "true"],
    ]),
    counted,
  ],
  [
    "transcriptions",
    form("/v1/audio/transcriptions", [
      ["file", "x"],
      ["model", "m"],
      ["stream", "true"],
    ]),
    counted,
  ],
];

for (const [name, asked, tokens] of formats) {
  describe(`a stream of ${name}`, () => {
    for (const split of [[1], [7, 3], [1_000_000]]) {
      test(`in pieces of ${split.join(" and ")} bytes arrives to the byte, counted`, async (t) => {
        const { origin, accessLog } = await runGateway(t, yaml, running);
        foundry.next({ kind: "answer", split });
        const reply = await call(origin, asked);
        assert.equal(reply.ending, "clean");
        assert.deepEqual(reply.body, foundry.requests[0]?.written);
        assert.partialDeepStrictEqual((await accessLog(1))[0], { stream, tokens, outcome: "ok" });
      });
    }

    test("reaches the caller event by event", { timeout: 20_000 }, async (t) => {
      const { origin } = await runGateway(t, yaml, running);
      let arrived = 0;
      let waiting: { readonly count: number; readonly go: () => void } | undefined;
      const gate = (written: number): Promise<void> =>
        arrived >= written
          ? Promise.resolve()
          : new Promise((go) => {
              waiting = { count: written, go };
            });
      foundry.next({ kind: "answer", gate });
      const { request, answer } = open(origin, asked);
      request.end(asked.body);
      let text = "";
      for await (const chunk of await answer) {
        text += String(chunk);
        arrived = text.split("\n\n").length - 1;
        if (waiting !== undefined && arrived >= waiting.count) waiting.go();
      }
      assert.ok(arrived > 1);
    });

    test("that breaks ends in an error event and a broken connection", async (t) => {
      const { origin, accessLog } = await runGateway(t, yaml, running);
      foundry.next({ kind: "answer", cut: { at: { insideEvent: 2 }, manner: "reset" } });
      const reply = await call(origin, asked);
      assert.equal(reply.ending, "broken");
      const last = reply.body.toString().split("\n\n").at(-2) ?? "";
      assert.match(last, /^(event: error\n)?data: \{.*"code":"upstream_reset"/);
      assert.partialDeepStrictEqual((await accessLog(1))[0], { outcome: "upstream_reset" });
    });
  });
}

test("usage that a text completion's caller did not ask for is counted and held back", async (t) => {
  const { origin, accessLog } = await runGateway(t, yaml, running);
  const reply = await call(origin, json("/v1/completions", { model: "m", prompt: "Hi", stream }));
  assert.match(String(foundry.requests[0]?.body), /"stream_options":\{"include_usage":true\}/);
  assert.doesNotMatch(reply.body.toString(), /usage/);
  assert.match(reply.body.toString(), /\[DONE\]\n\n$/);
  assert.partialDeepStrictEqual((await accessLog(1))[0], { tokens: counted });
});

test("speech that breaks off is a broken answer, not a shorter one", async (t) => {
  const { origin, accessLog } = await runGateway(t, yaml, running);
  foundry.next({ kind: "truncated", declared: 1000, sent: 10 });
  const reply = await call(origin, json("/v1/audio/speech", { model: "m", input: "Hi" }));
  assert.deepEqual([reply.status, reply.ending], [200, "broken"]);
  assert.partialDeepStrictEqual((await accessLog(1))[0], { outcome: "upstream_reset" });
});
