// A stream is worth what its events are worth at the moment they exist. Each goes on as it arrives
// (pitfall 14), to the byte, wherever the network cuts it (16); Azure's first chunk without choices
// and its last ones without a delta are part of it (11). Usage is always asked for, so that it can be
// counted, and kept from a caller that did not ask (12).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import OpenAI from "openai";
import type { AnswerChange } from "../../stand-in/behaviour.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, open } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  backends: [model(`localhost:${foundry.port}`)],
  policies: { backendAuth: { key: "any" } },
});
const messages = [{ role: "user" as const, content: "Say hello" }];
const counting = { messages, stream: true, stream_options: { include_usage: true } };
const uncounted = { messages, stream: true };
const pieces = ["Grüße, ", "你好 ", "👋🏽", "\r\n\r\ndata: ", "\\u0000", "!"];

test(
  "each event reaches the caller before the backend writes the next",
  { timeout: 20_000 },
  async (t) => {
    const { origin } = await runGateway(t, yaml);
    let arrived = 0;
    let waiting: { readonly count: number; readonly go: () => void } | undefined;
    const gate = (written: number): Promise<void> =>
      arrived >= written
        ? Promise.resolve()
        : new Promise((go) => {
            waiting = { count: written, go };
          });
    foundry.next({ kind: "answer", pieces, gate });
    const { request, answer } = open(origin, {
      ...chat(""),
      headers: { "content-type": "application/json" },
    });
    request.end(JSON.stringify(counting));
    let text = "";
    for await (const chunk of await answer) {
      text += String(chunk);
      arrived = text.split("\n\n").length - 1;
      if (waiting !== undefined && arrived >= waiting.count) waiting.go();
    }
    assert.equal(text, foundry.requests[0]?.written.toString());
    assert.ok(arrived > pieces.length);
  },
);

test("the head of the answer is there before the first event", { timeout: 20_000 }, async (t) => {
  const { origin } = await runGateway(t, yaml);
  const headSeen = Promise.withResolvers<void>();
  foundry.next({ kind: "answer", gate: () => headSeen.promise });
  const { request, answer } = open(origin, {
    ...chat(""),
    headers: { "content-type": "application/json" },
  });
  request.end(JSON.stringify(counting));
  const stream = await answer;
  assert.equal(stream.headers["content-type"], "text/event-stream; charset=utf-8");
  assert.equal(stream.headers["content-length"], undefined);
  headSeen.resolve();
  stream.resume();
});

const splits: readonly { readonly name: string; readonly change: AnswerChange }[] = [
  { name: "event by event", change: {} },
  { name: "byte by byte", change: { split: [1] } },
  {
    name: "in pieces of 7 and 3 bytes, inside characters and line ends",
    change: { split: [7, 3] },
  },
  { name: "in one piece", change: { split: [1_000_000] } },
  {
    name: "with asynchronous filtering, whose chunk has no delta",
    change: { filter: "asynchronous" },
  },
  { name: "without [DONE]", change: { ending: "none" } },
];

for (const { name, change } of splits) {
  test(`a stream that comes ${name} goes out as it came, to the byte`, async (t) => {
    const { origin, accessLog } = await runGateway(t, yaml);
    foundry.next({ kind: "answer", pieces, ...change });
    const reply = await call(origin, chat(counting));
    assert.equal(reply.ending, "clean");
    assert.equal(reply.body.toString(), foundry.requests[0]?.written.toString());
    assert.match(reply.body.toString(), /^data: \{"choices":\[\],/);
    assert.match(reply.body.toString(), /"usage":\{"completion_tokens":6,/);
    const [line] = await accessLog(1);
    assert.partialDeepStrictEqual(line, {
      stream: true,
      outcome: "ok",
      responseBytes: reply.body.length,
      tokens: { output: pieces.length },
    });
  });

  test(`a stream that comes ${name} lacks nothing but the usage that its caller did not ask for`, async (t) => {
    const { origin, accessLog } = await runGateway(t, yaml);
    const usage = { promptTokens: 11, completionTokens: 7 };
    foundry.next({ kind: "answer", pieces, usage, ...change });
    const reply = await call(origin, chat(uncounted));
    const written = foundry.requests[0]?.written.toString() ?? "";
    const withheld = written
      .split(/(?<=\n\n)/)
      .filter((event) => !event.includes('"prompt_tokens"'))
      .join("");
    assert.ok(withheld.length < written.length, "the backend did send its usage");
    assert.equal(reply.body.toString(), withheld);
    assert.equal(reply.ending, "clean");
    const [line] = await accessLog(1);
    assert.partialDeepStrictEqual(line, { tokens: { input: 11, output: 7, total: 18 } });
  });
}

for (const { name, end } of [
  { name: "CRLF", end: "\r\n" },
  { name: "CR", end: "\r" },
]) {
  test(`a stream with ${name} line ends, comments and fields of other kinds is passed on as it is`, async (t) => {
    const { origin, accessLog } = await runGateway(t, yaml);
    const usage =
      '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}';
    const told = [
      ": hello",
      "",
      "event: x",
      "id: 7",
      'data: {"choices":',
      "data: []}",
      "",
      "retry: 5",
      "",
    ];
    const asked = [`data: ${usage}`, ""];
    const done = ["data: [DONE]", "", ""];
    const bytes = Buffer.from([...told, ...asked, ...done].join(end));
    foundry.always({
      kind: "status",
      status: 200,
      headers: { "content-type": "text/event-stream" },
      body: bytes,
    });
    assert.deepEqual((await call(origin, chat(counting))).body, bytes);
    const withheld = await call(origin, chat(uncounted));
    assert.equal(withheld.body.toString(), [...told, ...done].join(end));
    assert.equal(withheld.ending, "clean", "its length is not the backend's");
    for (const line of await accessLog(2)) {
      assert.partialDeepStrictEqual(line, { tokens: { input: 1, output: 2, total: 3 } });
    }
  });
}

test("the usage of a whole answer is counted, and the answer is as the backend wrote it", async (t) => {
  const { origin, accessLog } = await runGateway(t, yaml);
  const usage = { promptTokens: 5, completionTokens: 3 };
  foundry.next({ kind: "answer", usage, split: [13] });
  const reply = await call(origin, chat({ messages }));
  assert.deepEqual(reply.body, foundry.requests[0]?.written);
  assert.partialDeepStrictEqual(await accessLog(1), [
    { stream: false, tokens: { input: 5, output: 3, total: 8 } },
  ]);
});

test("the openai client reads a stream and sees no usage it did not ask for", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const openai = new OpenAI({ apiKey: "callers", baseURL: `${origin}/v1`, maxRetries: 0 });
  foundry.always({ kind: "answer", pieces, filter: "asynchronous", split: [5] });
  for (const include_usage of [false, true]) {
    const stream = await openai.chat.completions.create({
      model: "gpt-4",
      messages,
      stream: true,
      stream_options: { include_usage },
    });
    let text = "";
    let counted = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      if (chunk.usage) counted += chunk.usage.completion_tokens;
    }
    assert.equal(text, pieces.join(""));
    assert.equal(counted, include_usage ? pieces.length : 0);
  }
});

test("a slow reader of a stream slows the backend down instead of filling the memory", async (t) => {
  const { origin } = await runGateway(t, yaml);
  foundry.next({ kind: "answer", pieces: Array<string>(40).fill("x".repeat(500_000)) });
  const { request, answer } = open(origin, {
    ...chat(""),
    headers: { "content-type": "application/json" },
  });
  request.end(JSON.stringify(uncounted));
  const stream = await answer;
  const received = await foundry.whenReceived(1);
  let last = -1;
  for (let still = 0; still < 8;) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    still = received.bytesWritten === last ? still + 1 : 0;
    last = received.bytesWritten;
  }
  assert.ok(last < 15_000_000, `the backend could write ${last} of 20,000,000 bytes`);
  let length = 0;
  for await (const chunk of stream) length += chunk.length;
  assert.ok(length > 20_000_000);
});
