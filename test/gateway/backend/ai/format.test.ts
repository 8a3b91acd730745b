import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatOf, tokensOf } from "../../../../gateway/backend/ai/format.ts";

describe("the format is told by the end of the caller's path", () => {
  const cases: readonly (readonly [path: string, format: string, required: string])[] = [
    ["/v1/chat/completions", "completions", "messages"],
    ["/azure/openai/deployments/gpt/chat/completions", "completions", "messages"],
    ["/v1/embeddings", "embeddings", "input"],
    ["/openai/v1/responses", "responses", "input"],
    ["/v1/realtime", "realtime", ""],
    ["/openai/realtime", "realtime", ""],
    ["/openai/v1/realtime/translations", "realtime", ""],
    ["/v1/realtime/sessions", "realtime_sessions", "model"],
    ["/openai/realtimeapi/sessions", "realtime_sessions", "model"],
    ["/v1/realtime/client_secrets", "realtime_call", ""],
    ["/v1/realtime/calls/rtc_1/hangup", "realtime_call", ""],
    ["/azure", "completions", "messages"],
    ["/", "completions", "messages"],
    ["/v1/my-embeddings", "completions", "messages"],
    ["/v1/EMBEDDINGS", "completions", "messages"],
  ];
  for (const [path, format, required] of cases) {
    test(`${path} is ${format}`, () => {
      assert.equal(formatOf(path).name, format);
      assert.equal(formatOf(path).required, required);
    });
  }
});

describe("tokens are read as each format writes them", () => {
  const cases: readonly (readonly [name: string, usage: unknown, tokens: unknown])[] = [
    [
      "a chat completion",
      { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
      { input: 5, output: 7, total: 12 },
    ],
    [
      "a response",
      { input_tokens: 5, output_tokens: 7, total_tokens: 12 },
      { input: 5, output: 7, total: 12 },
    ],
    ["embeddings", { prompt_tokens: 5, total_tokens: 5 }, { input: 5, output: 0, total: 5 }],
    ["no total", { prompt_tokens: 5, completion_tokens: 7 }, { input: 5, output: 7, total: 12 }],
    [
      "details beside",
      { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, prompt_tokens_details: {} },
      { input: 0, output: 0, total: 0 },
    ],
    ["null", null, undefined],
    ["nothing", undefined, undefined],
    ["an empty map", {}, undefined],
    ["a list", [5, 7], undefined],
    ["text", "5", undefined],
    ["numbers as text", { prompt_tokens: "5", completion_tokens: "7" }, undefined],
    ["seconds instead", { type: "duration", seconds: 3 }, undefined],
  ];
  for (const [name, usage, tokens] of cases) {
    test(name, () => assert.deepEqual(tokensOf(usage), tokens));
  }
});
