// What a caller writes is what the model reads. A gateway that parses and prints the body again
// loses digits of large numbers, turns 1.0 into 1, drops duplicate keys and reorders (pitfall 33);
// one that edits the wrong `model` sends the request to a model nobody chose.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { pseudoRandom } from "../../stand-in/pseudo-random.ts";
import { call, chat, open, replyOf } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const overriding = routes({
  backends: [model(`localhost:${foundry.port}`)],
  policies: { backendAuth: { key: "any" } },
});
const asAsked = routes({
  backends: [model(`localhost:${foundry.port}`, { provider: { openAI: {} } })],
  policies: { backendAuth: { key: "any" } },
});

const strange =
  '{ "messages" : [{"role":"user","content":"\\u0047r\\u00fc\\u00dfe \\ud83d\\udc4b 你好"}],\r\n' +
  '\t"seed":12345678901234567890123,"temperature":1.0,"top_p":1e-0,"x":-0.0,"x":1E+2,\n' +
  '  "tools":[{"function":{"parameters":{"model":"nested","stream":true}}}], "unknown": {"": null} ';

for (const { name, sent, received } of [
  {
    name: "a model in the middle is replaced in place",
    sent: `${strange},"model" : "gpt-4" ,"user":"u"}`,
    received: `${strange},"model" : "gpt-5-mini" ,"user":"u"}`,
  },
  {
    name: "an absent model is put in front",
    sent: `${strange}}`,
    received: `{"model":"gpt-5-mini",${strange.slice(1)}}`,
  },
  {
    name: "every one of several models is replaced, however its key is written",
    sent: `{"model":"a","messages":[{"role":"user","content":"x"}],"mo\\u0064el":"b","model":"c"}`,
    received: `{"model":"gpt-5-mini","messages":[{"role":"user","content":"x"}],"mo\\u0064el":"gpt-5-mini","model":"gpt-5-mini"}`,
  },
  {
    name: "a model of another type is replaced as well",
    sent: `{"model":{"a":[1,2]},"messages":[{"role":"user","content":"x"}]}`,
    received: `{"model":"gpt-5-mini","messages":[{"role":"user","content":"x"}]}`,
  },
]) {
  test(`${name}, and every other byte arrives as sent`, async (t) => {
    const { origin } = await runGateway(t, overriding);
    const reply = await call(origin, chat(sent));
    assert.equal(reply.status, 200);
    assert.equal(foundry.requests[0]?.body.toString(), received);
    assert.equal(
      foundry.requests[0]?.headers["content-length"],
      String(Buffer.byteLength(received)),
    );
  });
}

test("a body goes through to the byte where the config names no model", async (t) => {
  const { origin } = await runGateway(t, asAsked);
  const sent = `${strange},"model":"gpt-4"}`;
  assert.equal((await call(origin, chat(sent))).status, 200);
  assert.equal(foundry.requests[0]?.body.toString(), sent);
});

for (const stream of [
  { name: "no stream_options", sent: "", added: '"stream_options":{"include_usage":true},' },
  {
    name: "include_usage false",
    sent: ',"stream_options":{"include_usage":false}',
    received: ',"stream_options":{"include_usage":true}',
  },
  {
    name: "other stream options",
    sent: ',"stream_options": {"include_obfuscation":false}',
    received: ',"stream_options": {"include_usage":true,"include_obfuscation":false}',
  },
  {
    name: "include_usage true",
    sent: ',"stream_options":{"include_usage":true}',
    received: ',"stream_options":{"include_usage":true}',
  },
]) {
  test(`a stream with ${stream.name} asks for usage and is else as sent`, async (t) => {
    const { origin } = await runGateway(t, asAsked);
    const { sent, received = sent, added = "" } = stream;
    const start = '"model":"m","messages":[{"role":"user","content":"x"}],"stream":true';
    assert.equal((await call(origin, chat(`{${start}${sent}}`))).status, 200);
    assert.equal(foundry.requests[0]?.body.toString(), `{${added}${start}${received}}`);
  });
}

test("a large body that arrives in pieces is rewritten and sent whole", async (t) => {
  const { origin } = await runGateway(t, overriding);
  const image = Buffer.concat([...pseudoRandom(6_000_000)]).toString("base64");
  const body = (name: string) =>
    `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:;base64,${image}"}}]}],"model":"${name}","n":1}`;
  const { request, answer } = open(origin, {
    ...chat(""),
    headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
  });
  const sent = body("gpt-4");
  // Cut inside the model's name, too.
  const cut = sent.lastIndexOf("gpt-4") + 2;
  request.write(sent.slice(0, cut));
  await foundryHasNothing();
  request.end(sent.slice(cut));
  assert.equal((await replyOf(await answer)).status, 200);

  const [received] = foundry.requests;
  assert.equal(received?.body.toString(), body("gpt-5-mini"));
  // One framing, never both: the other is the request-smuggling shape.
  assert.equal(received?.headers["content-length"], String(Buffer.byteLength(body("gpt-5-mini"))));
  assert.equal(received?.headers["transfer-encoding"], undefined);
});

async function foundryHasNothing(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(foundry.requests.length, 0, "nothing is sent before the body is whole and valid");
}

test("embeddings carry the model as well", async (t) => {
  const { origin } = await runGateway(t, overriding);
  const reply = await call(origin, {
    ...chat('{"input":["one","two"],"model":"other","dimensions":8.0}'),
    path: "/v1/embeddings",
  });
  assert.equal(reply.status, 200);
  assert.equal(
    foundry.requests[0]?.body.toString(),
    '{"input":["one","two"],"model":"gpt-5-mini","dimensions":8.0}',
  );
});
