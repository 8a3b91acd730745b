// The gpt-5 family refuses `max_tokens` and wants `max_completion_tokens` (LiteLLM 13432). Which of them
// a caller sends is between the caller and the model: a gateway that renames, adds or drops one changes
// what is asked and paid for, and nobody sees it (pitfall 9).
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, errorOf } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { azure, form, json, messages } from "./format-calls.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const upstream = { upstreamPort: foundry.port };
const model = "gpt-5-mini";

const calls: readonly (readonly [format: string, asked: Call])[] = [
  ...["max_tokens", "max_completion_tokens"].map(
    (limit) =>
      [
        `a chat completion with ${limit}`,
        json("/v1/chat/completions", { model, messages, [limit]: 100 }),
      ] as const,
  ),
  [
    "a chat completion with both",
    json("/v1/chat/completions", {
      model,
      max_tokens: 100,
      messages,
      max_completion_tokens: 1e2,
    }),
  ],
  ["a text completion", json("/v1/completions", { model, prompt: "Hi", max_tokens: 100 })],
  ["a response", json("/v1/responses", { model, input: "Hi", max_output_tokens: 100 })],
  [
    "a response with what is another format's",
    json("/v1/responses", { model, input: "Hi", max_tokens: 100, max_completion_tokens: 100 }),
  ],
  ["a message", json("/v1/messages", { model, messages, max_tokens: 100 })],
  ["a message without a limit", json("/v1/messages", { model, messages })],
  ["an embedding", json("/v1/embeddings", { model, input: "Hi", max_tokens: 100 })],
  ["an image", json("/v1/images/generations", { model, prompt: "Hi", max_tokens: 100 })],
  ["speech", json("/v1/audio/speech", { model, input: "Hi", max_tokens: 100 })],
  [
    "a transcription",
    form("/v1/audio/transcriptions", [
      ["max_tokens", "100"],
      ["file", "x"],
      ["model", model],
    ]),
  ],
];

describe("a limit of tokens arrives as the caller wrote it, and none that was not written", () => {
  for (const [format, asked] of calls) {
    test(format, async (t) => {
      const { origin } = await runGateway(t, routes({ backends: [azure()] }), upstream);
      await call(origin, asked);
      assert.equal(String(foundry.requests[0]?.body), String(asked.body));
    });
  }

  test("by a dated version, and with the backend's own model, as well", async (t) => {
    const dated = azure({ apiVersion: "2024-10-21", model: "gpt-5" });
    const { origin } = await runGateway(t, routes({ backends: [dated] }), upstream);
    for (const [, asked] of calls.slice(0, 3)) await call(origin, asked);
    assert.deepEqual(
      foundry.requests.map(({ body }) => String(body)),
      calls.slice(0, 3).map(([, { body }]) => String(body).replace(model, "gpt-5")),
    );
  });

  test("a model's refusal of it is the caller's to see", async (t) => {
    const { origin } = await runGateway(t, routes({ backends: [azure()] }), upstream);
    const error = {
      message: "Unsupported parameter: 'max_tokens' is not supported with this model.",
      type: "invalid_request_error",
      param: "max_tokens",
      code: "unsupported_parameter",
    };
    foundry.next({ kind: "status", status: 400, body: { error } });
    const reply = await call(origin, calls[0]?.[1] ?? {});
    assert.equal(reply.status, 400);
    assert.deepEqual(errorOf(reply), error);
    assert.equal(foundry.requests.length, 1);
  });
});

test("who wants another limit says so: overrides and defaults put it in by name", async (t) => {
  const ai = { overrides: { max_completion_tokens: 50 }, defaults: { max_tokens: 10 } };
  const { origin } = await runGateway(
    t,
    routes({ policies: { ai }, backends: [azure()] }),
    upstream,
  );
  await call(origin, json("/v1/chat/completions", { model, messages, max_tokens: 100 }));
  const { max_tokens, max_completion_tokens } = JSON.parse(String(foundry.requests[0]?.body));
  assert.deepEqual([max_tokens, max_completion_tokens], [100, 50]);
});
