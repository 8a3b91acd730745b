import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import createClient, { isUnexpected } from "@azure-rest/ai-inference";
import { AzureKeyCredential } from "@azure/core-auth";
import { behindGateway, key, said } from "./gateway.ts";

const body = { model: "gpt-5", messages: [{ role: "user", content: "Hi" }] };

test("Azure AI Inference completes a chat, whole and streamed, and embeds", async (t) => {
  const { origin, paths, line } = await behindGateway(t);
  const client = createClient(`${origin}/models`, new AzureKeyCredential(key), {
    allowInsecureConnection: true,
  });
  const whole = await client.path("/chat/completions").post({ body });
  assert.ok(!isUnexpected(whole), JSON.stringify(whole.body));
  assert.equal(whole.body.choices[0]?.message.content, said);

  const streamed = await client
    .path("/chat/completions")
    .post({ body: { ...body, stream: true } })
    .asNodeStream();
  assert.equal(streamed.status, "200");
  assert.ok(streamed.body !== undefined);
  const pieces = (await text(streamed.body))
    .split("\n\n")
    .filter((event) => event.startsWith("data: {"))
    .map((event) => JSON.parse(event.slice(6)).choices[0]?.delta?.content ?? "");
  assert.equal(pieces.join(""), said);

  const vectors = await client.path("/embeddings").post({ body: { model: "e", input: ["a"] } });
  assert.equal(vectors.status, "200");
  assert.deepEqual(paths(), [
    "/openai/v1/chat/completions",
    "/openai/v1/chat/completions",
    "/openai/v1/embeddings",
  ]);
  assert.deepEqual((await line(3)).caller, { key: "team" });
});
