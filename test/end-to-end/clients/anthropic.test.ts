import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic, { AuthenticationError } from "@anthropic-ai/sdk";
import { behindGateway, key, said } from "./gateway.ts";

const asked = {
  model: "claude-sonnet-4-6",
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "Hi" }],
};

test("Anthropic's client asks Claude on Foundry, whole and streamed", async (t) => {
  const { origin, paths, line } = await behindGateway(t);
  const client = new Anthropic({ baseURL: origin, apiKey: key, maxRetries: 0 });
  const whole = await client.messages.create(asked);
  assert.deepEqual(whole.content, [{ type: "text", text: said }]);
  const stream = client.messages.stream(asked);
  assert.equal(await stream.finalText(), said);
  assert.equal((await stream.finalMessage()).usage.output_tokens, 7);
  const counted = await client.messages.countTokens({
    model: asked.model,
    messages: asked.messages,
  });
  assert.equal(counted.input_tokens, 11);
  assert.deepEqual(paths(), [
    "/anthropic/v1/messages",
    "/anthropic/v1/messages",
    "/anthropic/v1/messages/count_tokens",
  ]);
  const { modelSent, tokens, caller } = await line(2);
  assert.equal(modelSent, asked.model);
  assert.deepEqual(tokens, { input: 16, output: 7, total: 23 });
  assert.deepEqual(caller, { key: "team" });
});

test("Anthropic's client raises the gateway's refusals as its own errors", async (t) => {
  const { origin } = await behindGateway(t);
  const stranger = new Anthropic({ baseURL: origin, apiKey: "someone-else", maxRetries: 0 });
  await assert.rejects(stranger.messages.create(asked), AuthenticationError);
});
