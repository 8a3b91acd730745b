import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Agent, OpenAIProvider, Runner, setTracingDisabled } from "@openai/agents";
import OpenAI from "openai";
import { behindGateway, key, said } from "./gateway.ts";

// Traces would go to OpenAI itself.
setTracingDisabled(true);

for (const useResponses of [true, false]) {
  describe(`an agent of OpenAI's SDK by ${useResponses ? "responses" : "chat completions"}`, () => {
    test("runs, whole and streamed", async (t) => {
      const { origin, paths, line } = await behindGateway(t);
      const openAIClient = new OpenAI({ baseURL: `${origin}/v1`, apiKey: key, maxRetries: 0 });
      const runner = new Runner({
        modelProvider: new OpenAIProvider({ openAIClient, useResponses }),
        tracingDisabled: true,
      });
      const agent = new Agent({ name: "Greeter", instructions: "Greet.", model: "gpt-5" });
      const whole = await runner.run(agent, "Hi");
      assert.equal(whole.finalOutput, said);
      const streamed = await runner.run(agent, "Hi", { stream: true });
      let text = "";
      for await (const piece of streamed.toTextStream()) text += piece;
      await streamed.completed;
      assert.equal(text, said);
      const path = useResponses ? "responses" : "chat/completions";
      assert.deepEqual(paths(), Array(2).fill(`/openai/v1/${path}`));
      assert.deepEqual((await line(2)).caller, { key: "team" });
    });
  });
}
