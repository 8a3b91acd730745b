import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createAzure } from "@ai-sdk/azure";
import { embed, generateText, streamText } from "ai";
import { behindGateway, key, said } from "./gateway.ts";

/** Both ways of the AI SDK to put an Azure path together. */
const ways = [
  { way: "the v1 API", settings: {}, base: "/openai/v1" },
  {
    way: "deployments in the path",
    settings: { useDeploymentBasedUrls: true, apiVersion: "2024-10-21" },
    base: "/openai",
  },
] as const;

for (const { way, settings, base } of ways) {
  describe(`the AI SDK by ${way}`, () => {
    test("completes a chat, whole and streamed, and embeds", async (t) => {
      const { origin, paths, line } = await behindGateway(t);
      const azure = createAzure({ baseURL: `${origin}${base}`, apiKey: key, ...settings });
      const whole = await generateText({ model: azure.chat("gpt-5"), prompt: "Hi" });
      assert.equal(whole.text, said);
      const stream = streamText({ model: azure.chat("gpt-5"), prompt: "Hi" });
      assert.equal(await stream.text, said);
      const { embedding } = await embed({ model: azure.textEmbeddingModel("e"), value: "Hi" });
      assert.equal(embedding.length, 8);
      assert.deepEqual(paths(), [
        "/openai/v1/chat/completions",
        "/openai/v1/chat/completions",
        "/openai/v1/embeddings",
      ]);
      assert.deepEqual((await line(3)).caller, { key: "team" });
    });

    test("makes a response, whole and streamed", async (t) => {
      const { origin, paths } = await behindGateway(t);
      const azure = createAzure({ baseURL: `${origin}${base}`, apiKey: key, ...settings });
      const model = azure.responses("gpt-5");
      assert.equal((await generateText({ model, prompt: "Hi" })).text, said);
      assert.equal(await streamText({ model, prompt: "Hi" }).text, said);
      assert.deepEqual(paths(), Array(2).fill("/openai/v1/responses"));
    });
  });
}
