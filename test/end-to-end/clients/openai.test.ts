import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI, { AuthenticationError, AzureOpenAI, toFile } from "openai";
import { spoken } from "../../stand-in/media-formats.ts";
import { behindGateway, key, said } from "./gateway.ts";

const messages = [{ role: "user" as const, content: "Hi" }];

const clients = {
  OpenAI: (origin: string) => new OpenAI({ baseURL: `${origin}/v1`, apiKey: key, maxRetries: 0 }),
  AzureOpenAI: (origin: string) =>
    new AzureOpenAI({ endpoint: origin, apiKey: key, apiVersion: "2024-10-21", maxRetries: 0 }),
};

for (const [name, create] of Object.entries(clients)) {
  describe(name, () => {
    test("completes a chat, whole and streamed", async (t) => {
      const { origin, paths, line } = await behindGateway(t);
      const client = create(origin);
      const whole = await client.chat.completions.create({ model: "gpt-5", messages });
      assert.equal(whole.choices[0]?.message.content, said);
      const stream = await client.chat.completions.create({
        model: "gpt-5",
        messages,
        stream: true,
      });
      let text = "";
      for await (const { choices, usage } of stream) {
        text += choices[0]?.delta?.content ?? "";
        assert.ok(usage === undefined || usage === null, "nobody asked for usage");
      }
      assert.equal(text, said);
      assert.deepEqual(paths(), Array(2).fill("/openai/v1/chat/completions"));
      const { caller, modelSent, tokens } = await line(2);
      assert.deepEqual([caller, modelSent], [{ key: "team" }, "gpt-5"]);
      assert.ok(tokens !== undefined);
    });

    test("embeds, makes an image, transcribes and speaks", async (t) => {
      const { origin, paths } = await behindGateway(t);
      const client = create(origin);
      const { data } = await client.embeddings.create({ model: "e", input: ["a", "b"] });
      assert.equal(data.length, 2);
      const image = await client.images.generate({ model: "i", prompt: "A cat" });
      assert.ok(image.data?.[0]?.b64_json !== undefined);
      const file = await toFile(Buffer.from([0xff, 0x00, 0x0d, 0x0a]), "a.wav");
      const heard = await client.audio.transcriptions.create({ model: "t", file });
      assert.equal(heard.text, said);
      const speech = await client.audio.speech.create({ model: "s", input: "Hi", voice: "alloy" });
      assert.deepEqual(Buffer.from(await speech.arrayBuffer()), spoken);
      assert.deepEqual(
        paths().map((path) => path.replace("/openai/v1/", "")),
        ["embeddings", "images/generations", "audio/transcriptions", "audio/speech"],
      );
    });

    test("makes a response, streams one, and goes on from it", async (t) => {
      const { origin, paths, line } = await behindGateway(t);
      const client = create(origin);
      const whole = await client.responses.create({ model: "gpt-5", input: "Hi" });
      assert.equal(whole.output_text, said);
      const stream = await client.responses.create({
        model: "gpt-5",
        input: "And then?",
        previous_response_id: whole.id,
        stream: true,
      });
      let text = "";
      for await (const event of stream) {
        if (event.type === "response.output_text.delta") text += event.delta;
      }
      assert.equal(text, said);
      await client.responses.retrieve(whole.id);
      assert.equal(paths()[2], `/openai/v1/responses/${whole.id}`);
      const { tokens } = await line(2);
      assert.deepEqual(tokens, { input: 11, output: 7, total: 18 });
    });

    test("raises the gateway's refusals as its own errors", async (t) => {
      const { origin } = await behindGateway(t);
      const stranger = create(origin).withOptions({ apiKey: "someone-else" });
      await assert.rejects(
        stranger.chat.completions.create({ model: "gpt-5", messages }),
        AuthenticationError,
      );
    });
  });
}
