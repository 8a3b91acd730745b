import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { saidByModel, saidToModel } from "../../../../../gateway/backend/ai/guard/said.ts";
import { Refusal } from "../../../../../gateway/errors.ts";

/** `voice: text`, a line each. */
const lines = (said: ReturnType<typeof saidToModel>): readonly string[] =>
  said.map(({ voice, text }) => `${voice}: ${text}`);

const image = "data:image/png;base64,AAAA";

describe("what a request tells the model, and whose words they are", () => {
  const cases: readonly (readonly [string, format: string, body: unknown, said: string[]])[] = [
    [
      "a conversation, by its roles",
      "completions",
      {
        model: "gpt-5-mini",
        user: "somebody",
        messages: [
          { role: "system", content: "Be brief." },
          { role: "developer", content: [{ type: "text", text: "Be kind." }] },
          { role: "user", content: "Hi", name: "Ann" },
          { role: "assistant", content: null, refusal: "No." },
          { role: "tool", tool_call_id: "call_1", content: "22 degrees" },
          { role: "function", name: "f", content: "done" },
          { role: "stranger", content: "?" },
        ],
      },
      [
        "other: Be brief.",
        "other: Be kind.",
        "user: Hi",
        "user: Ann",
        "other: No.",
        "document: 22 degrees",
        "document: f",
        "document: done",
        "user: ?",
      ],
    ],
    [
      "parts of a message, without its images, sounds and files",
      "completions",
      {
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "What is this?" },
              { type: "image_url", image_url: { url: image, detail: "low" } },
              { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
              { type: "file", file: { filename: "notes.pdf", file_data: image } },
              { type: "of_tomorrow", words: { more: ["and this"] } },
            ],
          },
        ],
      },
      ["user: What is this?", "user: notes.pdf", "user: and this"],
    ],
    [
      "calls of tools",
      "completions",
      {
        messages: [
          {
            role: "assistant",
            tool_calls: [
              { id: "c", type: "function", function: { name: "f", arguments: '{"a":"b"}' } },
            ],
          },
        ],
      },
      ["other: f", 'other: {"a":"b"}'],
    ],
    [
      "a completion's prompt",
      "text_completions",
      { prompt: ["One", "Two"], suffix: "End" },
      ["user: One", "user: Two", "other: End"],
    ],
    [
      "a response's input as text",
      "responses",
      { instructions: "Be brief.", input: "Hi" },
      ["other: Be brief.", "user: Hi"],
    ],
    [
      "a response's input as items",
      "responses",
      {
        input: [
          {
            role: "user",
            content: [
              { type: "input_text", text: "Hi" },
              { type: "input_image", image_url: image },
            ],
          },
          { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hello" }] },
          { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
          { type: "function_call_output", call_id: "c", output: "22 degrees" },
          { type: "mcp_call", id: "m", name: "g", arguments: "{}", output: "a page" },
          {
            type: "reasoning",
            encrypted_content: "AAAA",
            summary: [{ type: "summary_text", text: "So" }],
          },
        ],
        prompt: { id: "pmpt_1", version: "2", variables: { name: "Ann" } },
      },
      [
        "user: Hi",
        "other: Hello",
        "document: f",
        "document: {}",
        "document: 22 degrees",
        "document: g",
        "document: {}",
        "document: a page",
        "other: So",
        "user: 2",
        "user: Ann",
      ],
    ],
    [
      "Anthropic's blocks",
      "messages",
      {
        system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
        messages: [
          { role: "user", content: "Hi" },
          {
            role: "assistant",
            content: [{ type: "tool_use", id: "t", name: "f", input: { url: "a", type: "b" } }],
          },
          {
            role: "user",
            content: [
              {
                type: "tool_result",
                tool_use_id: "t",
                content: [{ type: "text", text: "22 degrees" }],
              },
              {
                type: "document",
                title: "T",
                source: { type: "text", media_type: "text/plain", data: "A page" },
              },
              {
                type: "document",
                source: { type: "base64", media_type: "application/pdf", data: "AAAA" },
              },
              { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            ],
          },
        ],
      },
      [
        "other: Be brief.",
        "user: Hi",
        "other: f",
        "other: a",
        "other: b",
        "document: 22 degrees",
        "document: T",
        "document: A page",
      ],
    ],
    ["an image's prompt", "images", { prompt: "A cat", size: "1024x1024" }, ["user: A cat"]],
    [
      "a speech's text",
      "speech",
      { input: "Hello", instructions: "Slowly", voice: "alloy" },
      ["other: Slowly", "user: Hello"],
    ],
    ["nothing of an embedding", "embeddings", { input: ["One"] }, []],
    ["nothing of what is no object", "completions", ["Hi"], []],
  ];
  for (const [name, format, body, said] of cases) {
    test(name, () => assert.deepEqual(lines(saidToModel(format, body)), said));
  }

  for (const prompt of [
    [1, 2],
    [[1], [2]],
    ["words", 1],
  ]) {
    test(`a prompt in tokens, ${JSON.stringify(prompt)}, cannot be checked`, () => {
      assert.throws(
        () => saidToModel("text_completions", { prompt }),
        (error) => error instanceof Refusal && error.reason.kind === "uncheckable_body",
      );
    });
  }
});

describe("what a model says", () => {
  const cases: readonly (readonly [string, format: string, body: unknown, said: string[]])[] = [
    [
      "every choice, without filter results and probabilities",
      "completions",
      {
        id: "chatcmpl-1",
        model: "gpt-5-mini",
        prompt_filter_results: [{ prompt_index: 0 }],
        choices: [
          {
            index: 0,
            finish_reason: "stop",
            content_filter_results: { hate: { severity: "safe" } },
            logprobs: { content: [{ token: "He" }] },
            message: { role: "assistant", content: "Hello", refusal: null },
          },
          {
            message: {
              tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
            },
          },
          { message: { content: null, audio: { id: "a", data: "AAAA", transcript: "Spoken" } } },
        ],
      },
      ["other: Hello", "other: f", "other: {}", "other: Spoken"],
    ],
    [
      "a completion",
      "text_completions",
      { choices: [{ text: "One" }, { text: "" }] },
      ["other: One"],
    ],
    [
      "a response's output",
      "responses",
      {
        instructions: "Be brief.",
        output: [
          { type: "reasoning", summary: [{ type: "summary_text", text: "So" }] },
          {
            type: "message",
            role: "assistant",
            content: [{ type: "output_text", text: "Hello", annotations: [] }],
          },
          { type: "image_generation_call", id: "i", status: "completed", result: "AAAA" },
        ],
      },
      ["other: So", "other: Hello"],
    ],
    [
      "Anthropic's blocks",
      "messages",
      {
        content: [
          { type: "thinking", thinking: "So", signature: "AAAA" },
          { type: "text", text: "Hello" },
        ],
        stop_reason: "end_turn",
      },
      ["other: So", "other: Hello"],
    ],
    [
      "a transcript",
      "transcriptions",
      { text: "Hello", segments: [{ text: "Hello" }] },
      ["other: Hello"],
    ],
  ];
  for (const [name, format, body, said] of cases) {
    test(name, () => assert.deepEqual(lines(saidByModel(format, body)), said));
  }
});
