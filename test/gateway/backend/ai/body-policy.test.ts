// What policies.ai does to a body: by edits, so that all else stays as the caller wrote it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileBodyPolicy, matchesModel } from "../../../../gateway/backend/ai/body-policy.ts";
import { formatOf } from "../../../../gateway/backend/ai/format.ts";
import { createJsonScanner } from "../../../../gateway/backend/ai/json-scanner.ts";
import { applyEdits, planRewrite, wantedMembers } from "../../../../gateway/backend/ai/rewrite.ts";
import type { AiPolicy } from "../../../../gateway/config/run/backend.ts";

const none: AiPolicy = {
  defaults: {},
  overrides: {},
  modelAliases: {},
  prompts: { prepend: [], append: [] },
  routes: [],
  guards: { request: [], response: [] },
};
const chat = "/v1/chat/completions";

function rewritten(
  text: string,
  change: Partial<AiPolicy>,
  { path = chat, model, deployment }: { path?: string; model?: string; deployment?: string } = {},
) {
  const format = formatOf(path);
  const policy = compileBodyPolicy({ ...none, ...change });
  const scanner = createJsonScanner(wantedMembers(format, [policy]));
  scanner.push(Buffer.from(text));
  const scanned = scanner.end();
  const plan = planRewrite(scanned, format, model, policy, { deployment, sent: false });
  const body = applyEdits({ chunks: [Buffer.from(text)], length: text.length }, plan.edits);
  assert.ok(body.kind === "buffers");
  const out = Buffer.concat(body.chunks);
  assert.equal(out.length, body.length);
  return { plan, text: out.toString() };
}

describe("members", () => {
  test("an override takes the caller's place, a default only an empty one", () => {
    const { text } = rewritten(
      '{ "model":"m","messages":[],"temperature" : 1.0,"n":12345678901234567890}',
      {
        overrides: { temperature: 0.5, user: "gateway" },
        defaults: { temperature: 9, top_p: 0.1, n: 1 },
      },
    );
    assert.equal(
      text,
      '{"user":"gateway","top_p":0.1, "model":"m","messages":[],"temperature" : 0.5,"n":12345678901234567890}',
    );
  });

  test("a key written twice is overridden twice", () => {
    const { text } = rewritten('{"a":1,"model":"m","messages":[],"a":2}', { overrides: { a: 3 } });
    assert.equal(text, '{"a":3,"model":"m","messages":[],"a":3}');
  });

  test("a stream that the config asks for is one, and tells its usage", () => {
    const { plan, text } = rewritten('{"model":"m","messages":[]}', {
      overrides: { stream: true },
    });
    assert.equal(plan.stream, true);
    assert.equal(plan.hideUsage, true);
    const sent: unknown = JSON.parse(text);
    assert.deepEqual(sent, {
      stream: true,
      stream_options: { include_usage: true },
      model: "m",
      messages: [],
    });
  });

  test("stream options of the config's are left as they are", () => {
    const { plan, text } = rewritten('{"model":"m","messages":[],"stream":true}', {
      defaults: { stream_options: { include_usage: false } },
    });
    assert.equal(plan.hideUsage, false);
    assert.equal(
      text,
      '{"stream_options":{"include_usage":false},"model":"m","messages":[],"stream":true}',
    );
  });
});

describe("the model", () => {
  const modelAliases = { fast: "gpt-5-mini", "gpt-4*": "gpt-5", "gpt-4o-*": "gpt-5-nano" };
  const cases: readonly (readonly [asked: string, sent: string])[] = [
    ["fast", "gpt-5-mini"],
    ["gpt-4", "gpt-5"],
    ["gpt-4o-mini", "gpt-5-nano"],
    ["o3", "o3"],
  ];
  for (const [asked, sent] of cases) {
    test(`${asked} is sent as ${sent}`, () => {
      const { plan, text } = rewritten(`{"model":"${asked}","messages":[]}`, { modelAliases });
      assert.equal(plan.modelRequested, asked);
      assert.equal(plan.modelSent, sent);
      assert.equal(text, `{"model":"${sent}","messages":[]}`);
    });
  }

  test("the provider's own wins over an alias", () => {
    const body = '{"model":"fast","messages":[]}';
    assert.equal(rewritten(body, { modelAliases }, { model: "mine" }).plan.modelSent, "mine");
  });

  test("the deployment of the path wins over the body, and is put into it", () => {
    const inPath = { deployment: "fast" };
    const { text } = rewritten('{"model":"x","messages":[]}', { modelAliases }, inPath);
    assert.equal(text, '{"model":"gpt-5-mini","messages":[]}');
    assert.equal(
      rewritten('{"messages":[]}', { modelAliases }, inPath).text,
      '{"model":"gpt-5-mini","messages":[]}',
    );
  });

  test("a default model serves callers who name none", () => {
    const { plan } = rewritten('{"messages":[]}', { defaults: { model: "gpt-5" } });
    assert.equal(plan.modelSent, "gpt-5");
  });

  test("a star stands for any text, several of them too", () => {
    for (const [pattern, name, fits] of [
      ["*", "anything", true],
      ["a*c", "abbc", true],
      ["a*c", "ac", true],
      ["ab*bc", "abc", false],
      ["*b*", "abc", true],
      ["*b*", "ac", false],
      ["a", "ab", false],
    ] as const) {
      assert.equal(matchesModel(pattern, name), fits, `${pattern} ${name}`);
    }
  });
});

describe("prompts", () => {
  const system = { role: "system", content: 'Say "é".' };
  const user = { role: "user", content: "Bye" };
  const prompts = { prepend: [system], append: [user] };
  const [before, after] = [
    '{"role":"system","content":"Say \\"é\\"."}',
    '{"role":"user","content":"Bye"}',
  ];

  const cases: readonly (readonly [what: string, path: string, body: string, sent: string])[] = [
    [
      "stand around the messages of a chat",
      chat,
      '{"model":"m","messages":[ {"role":"user","content":"Hi"} ]}',
      `{"model":"m","messages":[${before}, {"role":"user","content":"Hi"} ,${after}]}`,
    ],
    [
      "fill an empty list",
      chat,
      '{"model":"m","messages":[ ]}',
      `{"model":"m","messages":[${before}, ${after}]}`,
    ],
    [
      "turn the text of a response into a list",
      "/v1/responses",
      '{"input":"Hi","model":"m"}',
      `{"input":[${before},{"role":"user","content":"Hi"},${after}],"model":"m"}`,
    ],
    [
      "stand around the input of a response",
      "/v1/responses",
      '{"input":[{"a":1}],"model":"m"}',
      `{"input":[${before},{"a":1},${after}],"model":"m"}`,
    ],
    [
      "go to Anthropic's system where it is missing",
      "/v1/messages",
      '{"messages":[{"a":1}],"model":"m"}',
      `{"system":"Say \\"é\\".","messages":[{"a":1},${after}],"model":"m"}`,
    ],
    [
      "go before a system text",
      "/v1/messages",
      '{"system":"Be brief.","messages":[{"a":1}],"model":"m"}',
      `{"system":"Say \\"é\\".\\n\\nBe brief.","messages":[{"a":1},${after}],"model":"m"}`,
    ],
    [
      "go before a system list",
      "/v1/messages",
      '{"system":[{"type":"text","text":"x"}],"messages":[{"a":1}],"model":"m"}',
      `{"system":[{"type":"text","text":"Say \\"é\\"."},{"type":"text","text":"x"}],"messages":[{"a":1},${after}],"model":"m"}`,
    ],
    [
      "are not for embeddings",
      "/v1/embeddings",
      '{"input":"Hi","model":"m"}',
      '{"input":"Hi","model":"m"}',
    ],
  ];
  for (const [what, path, body, sent] of cases) {
    test(what, () => {
      const { text } = rewritten(body, { prompts }, { path });
      assert.equal(text, sent);
      JSON.parse(text);
    });
  }
});
