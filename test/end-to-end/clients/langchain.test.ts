import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { behindGateway, key, said } from "./gateway.ts";

const clients = {
  ChatOpenAI: (origin: string) =>
    new ChatOpenAI({
      model: "gpt-5",
      apiKey: key,
      configuration: { baseURL: `${origin}/v1` },
      maxRetries: 0,
    }),
  "ChatOpenAI with the Responses API": (origin: string) =>
    new ChatOpenAI({
      model: "gpt-5",
      apiKey: key,
      useResponsesApi: true,
      configuration: { baseURL: `${origin}/v1` },
      maxRetries: 0,
    }),
  AzureChatOpenAI: (origin: string) =>
    new AzureChatOpenAI({
      model: "gpt-5",
      azureOpenAIApiKey: key,
      azureOpenAIEndpoint: origin,
      azureOpenAIApiDeploymentName: "gpt-5",
      azureOpenAIApiVersion: "2024-10-21",
      maxRetries: 0,
    }),
};

for (const [name, create] of Object.entries(clients)) {
  describe(`LangChain's ${name}`, () => {
    test("answers, whole and streamed, with its usage", async (t) => {
      const { origin, line } = await behindGateway(t);
      const client = create(origin);
      const whole = await client.invoke("Hi");
      assert.equal(whole.text, said);
      let text = "";
      let counted = false;
      for await (const chunk of await client.stream("Hi")) {
        text += chunk.text;
        counted ||= chunk.usage_metadata !== undefined;
      }
      assert.equal(text, said);
      assert.ok(counted, "it asks for usage and gets it");
      assert.deepEqual((await line(2)).caller, { key: "team" });
    });
  });
}

test("LangChain embeds", async (t) => {
  const { origin, paths } = await behindGateway(t);
  const client = new OpenAIEmbeddings({
    model: "e",
    apiKey: key,
    configuration: { baseURL: `${origin}/v1` },
    maxRetries: 0,
  });
  assert.equal((await client.embedDocuments(["a", "b"])).length, 2);
  assert.deepEqual(paths(), ["/openai/v1/embeddings"]);
});
