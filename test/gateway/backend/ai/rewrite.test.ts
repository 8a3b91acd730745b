// What a caller writes reaches the model to the byte; only the model's name and the wish for usage
// are put in. A body that is parsed and written anew loses digits, escapes and duplicates.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { type Format, formatOf } from "../../../../gateway/backend/ai/format.ts";
import { createJsonScanner } from "../../../../gateway/backend/ai/json-scanner.ts";
import {
  type Plan,
  applyEdits,
  planRewrite,
  wantedMembers,
} from "../../../../gateway/backend/ai/rewrite.ts";
import { Refusal } from "../../../../gateway/errors.ts";
import { type WrittenMember, gap, members, objectText } from "./json-text.ts";
import { cuts, everyByte, pieces } from "./pieces.ts";

const completions = formatOf("/v1/chat/completions");

function rewrite(
  chunks: readonly Buffer[],
  model: string | undefined,
  format: Format = completions,
): { readonly plan: Plan; readonly text: string } {
  const scanner = createJsonScanner(wantedMembers(format));
  for (const chunk of chunks) scanner.push(chunk);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const scanned = scanner.end();
  const plan = planRewrite(scanned, format, model);
  const body = edited({ chunks, length }, plan);
  const out = Buffer.concat(body.chunks);
  assert.equal(body.length, out.length, "the length told is the length sent");
  return { plan, text: out.toString() };
}

function rewriteText(text: string, model?: string, format?: Format): string {
  return rewrite([Buffer.from(text)], model, format).text;
}

/** The edited body; always in memory, so that it can be sent again. */
function edited(body: Parameters<typeof applyEdits>[0], plan: Plan) {
  const out = applyEdits(body, plan.edits);
  assert.ok(out.kind === "buffers");
  return out;
}

function withModel(text: string): string {
  return text.replace("[]", '[],"model":"m"');
}

function field(name: string) {
  return { kind: "missing_field", field: name };
}

function reasonFor(text: string, model?: string, format?: Format): unknown {
  try {
    rewriteText(text, model, format);
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
  return "accepted";
}

/** A body of these members that a model would take. */
const body = fc.tuple(members, gap, fc.nat()).map(([list, between, place]) => {
  const others = list.filter(({ key }) => !["stream", "stream_options"].includes(spelt(key)));
  const messages = { key: '"messages"', value: '[{"role":"user","content":"\\u00e9 1.0"}]' };
  return { list: others.toSpliced(place % (others.length + 1), 0, messages), between };
});

function spelt(key: string): string {
  return String(JSON.parse(key));
}

/** The same members, with what the gateway is to change changed: written from the parts. */
function expectedText(list: readonly WrittenMember[], between: string, model: string): string {
  const text = JSON.stringify(model);
  const renamed = list.map((member) =>
    spelt(member.key) === "model" ? { key: member.key, value: text } : member,
  );
  const whole = objectText(renamed, between);
  return list.some(({ key }) => spelt(key) === "model")
    ? whole
    : whole.replace("{", () => `{"model":${text},`);
}

test("only the model changes: the body is otherwise the caller's, byte for byte, in any split", () => {
  const model = fc.constantFrom("gpt-5-mini", 'quo"te', "$&", "modèle", "");
  fc.assert(
    fc.property(body, cuts, model, ({ list, between }, at, name) => {
      const bytes = Buffer.from(objectText(list, between));
      const expected = expectedText(list, between, name);
      for (const chunks of [[bytes], pieces(bytes, at), everyByte(bytes)]) {
        assert.equal(rewrite(chunks, name).text, expected);
      }
      const parsed: unknown = JSON.parse(expected);
      assert.ok(typeof parsed === "object" && parsed !== null && "model" in parsed);
      assert.equal(parsed.model, name);
    }),
    { numRuns: 2_000 },
  );
});

test("without an override and without a stream the body is the caller's own", () => {
  fc.assert(
    fc.property(body, cuts, ({ list, between }, at) => {
      const others = list.filter(({ key }) => spelt(key) !== "model");
      const named = [...others, { key: '"model"', value: '"gpt-\\u0035"' }];
      const text = objectText(named, between);
      const { plan, text: sent } = rewrite(pieces(Buffer.from(text), at), undefined);
      assert.equal(sent, text);
      assert.equal(plan.modelSent, "gpt-5");
      assert.equal(plan.modelRequested, "gpt-5");
    }),
    { numRuns: 500 },
  );
});

test("a stream is asked for its usage, and nothing else changes, in any split", () => {
  fc.assert(
    fc.property(body, cuts, ({ list, between }, at) => {
      const streaming = [...list, { key: '"stream"', value: "true" }];
      const bytes = Buffer.from(objectText(streaming, between));
      const renamed = expectedText(streaming, between, "m");
      const usage = '"stream_options":{"include_usage":true},';
      const hasModel = list.some(({ key }) => spelt(key) === "model");
      const expected = hasModel
        ? renamed.replace("{", () => `{${usage}`)
        : renamed.replace('{"model":"m",', () => `{"model":"m",${usage}`);
      for (const chunks of [[bytes], pieces(bytes, at), everyByte(bytes)]) {
        const { plan, text } = rewrite(chunks, "m");
        assert.equal(text, expected);
        assert.equal(plan.stream, true);
        assert.equal(plan.hideUsage, true);
      }
    }),
    { numRuns: 1_000 },
  );
});

describe("the model", () => {
  const cases: readonly (readonly [name: string, before: string, after: string])[] = [
    [
      "is replaced where it stands",
      '{ "temperature" : 1.0, "model" : "gpt-4" , "messages" : [] }',
      '{ "temperature" : 1.0, "model" : "gpt-5" , "messages" : [] }',
    ],
    ["is put in where it is absent", '{"messages":[]}', '{"model":"gpt-5","messages":[]}'],
    [
      "is put in before white space",
      '\n{\n  "messages": []\n}\n',
      '\n{"model":"gpt-5",\n  "messages": []\n}\n',
    ],
    [
      "is replaced when it is no text",
      '{"model":null,"messages":[]}',
      '{"model":"gpt-5","messages":[]}',
    ],
    [
      "is replaced when it is a map",
      '{"model":{"a":[1]},"messages":[]}',
      '{"model":"gpt-5","messages":[]}',
    ],
    [
      "is replaced each time it is named",
      '{"model":"a","messages":[],"\\u006dodel":"b"}',
      '{"model":"gpt-5","messages":[],"\\u006dodel":"gpt-5"}',
    ],
    [
      "is not replaced in a message",
      '{"messages":[{"content":"\\"model\\":\\"a\\"","model":"a"}],"model":"a"}',
      '{"messages":[{"content":"\\"model\\":\\"a\\"","model":"a"}],"model":"gpt-5"}',
    ],
    [
      "leaves numbers, escapes, duplicates and order alone",
      '{"seed":12345678901234567890,"a":1.0,"b":1e400,"a":-0,"é":"\\u00e9\\/","model":"x","messages":[]}',
      '{"seed":12345678901234567890,"a":1.0,"b":1e400,"a":-0,"é":"\\u00e9\\/","model":"gpt-5","messages":[]}',
    ],
  ];
  for (const [name, before, after] of cases) {
    test(name, () => assert.equal(rewriteText(before, "gpt-5"), after));
  }

  test("of a megabyte is replaced like any other", () => {
    const text = `{"model":"${"m".repeat(1_000_000)}","messages":[]}`;
    assert.equal(rewriteText(text, "gpt-5"), '{"model":"gpt-5","messages":[]}');
  });

  test("is told as asked and as sent", () => {
    const { plan } = rewrite([Buffer.from('{"model":"gpt-4","messages":[]}')], "gpt-5");
    assert.equal(plan.modelRequested, "gpt-4");
    assert.equal(plan.modelSent, "gpt-5");
    const { plan: absent } = rewrite([Buffer.from('{"messages":[]}')], "gpt-5");
    assert.equal(absent.modelRequested, undefined);
  });
});

describe("include_usage of a stream", () => {
  const asked = '"stream_options":{"include_usage":true}';
  const cases: readonly (readonly [name: string, before: string, after: string, hide: boolean])[] =
    [
      [
        "without options",
        '{"stream":true,"messages":[]}',
        `{${asked},"stream":true,"messages":[]}`,
        true,
      ],
      [
        "empty options",
        '{"stream":true,"stream_options":{},"messages":[]}',
        `{"stream":true,${asked},"messages":[]}`,
        true,
      ],
      [
        "options with a gap",
        '{"stream":true,"stream_options": { } ,"messages":[]}',
        '{"stream":true,"stream_options": {"include_usage":true } ,"messages":[]}',
        true,
      ],
      [
        "no options",
        '{"stream":true,"stream_options":null,"messages":[]}',
        `{"stream":true,${asked},"messages":[]}`,
        true,
      ],
      [
        "false",
        '{"stream":true,"stream_options":{"include_usage":false},"messages":[]}',
        `{"stream":true,${asked},"messages":[]}`,
        true,
      ],
      [
        "nothing",
        '{"stream":true,"stream_options":{"include_usage": null },"messages":[]}',
        '{"stream":true,"stream_options":{"include_usage": true },"messages":[]}',
        true,
      ],
      [
        "other options",
        '{"stream":true,"stream_options":{"include_obfuscation":false},"messages":[]}',
        '{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"messages":[]}',
        true,
      ],
      [
        "false among others",
        '{"stream":true,"stream_options":{"a":{"include_usage":1},"include_usage":false,"b":2},"messages":[]}',
        '{"stream":true,"stream_options":{"a":{"include_usage":1},"include_usage":true,"b":2},"messages":[]}',
        true,
      ],
      [
        "true",
        '{"stream":true,"stream_options":{"include_usage":true},"messages":[]}',
        '{"stream":true,"stream_options":{"include_usage":true},"messages":[]}',
        false,
      ],
      [
        "true, spelt otherwise",
        '{"stream":true,"stream_options":{"include\\u005fusage" : true},"messages":[]}',
        '{"stream":true,"stream_options":{"include\\u005fusage" : true},"messages":[]}',
        false,
      ],
      [
        "options given twice, of which the last count",
        '{"stream":true,"stream_options":{"include_usage":true},"messages":[],"stream_options":{}}',
        '{"stream":true,"stream_options":{"include_usage":true},"messages":[],"stream_options":{"include_usage":true}}',
        true,
      ],
      // The backend's to refuse.
      ...['"x"', "7", "true", "[]", '["include_usage"]'].map(
        (options): readonly [string, string, string, boolean] => {
          const text = `{"stream":true,"stream_options":${options},"messages":[]}`;
          return [`options that are ${options}`, text, text, false];
        },
      ),
      // Not a stream.
      ...["false", "null", '"true"', "1"].map(
        (stream): readonly [string, string, string, boolean] => {
          const text = `{"stream":${stream},"messages":[]}`;
          return [`a stream that is ${stream}`, text, text, false];
        },
      ),
      ["no stream", '{"messages":[]}', '{"messages":[]}', false],
    ];
  for (const [name, before, after, hide] of cases) {
    test(name, () => {
      const { plan, text } = rewrite([Buffer.from(withModel(before))], undefined);
      assert.equal(text, withModel(after));
      assert.equal(plan.hideUsage, hide);
      assert.equal(rewrite(everyByte(Buffer.from(withModel(before))), undefined).text, text);
    });
  }

  test("options longer than the scanner keeps are the backend's to refuse", () => {
    const options = `{"pad":"${"p".repeat(70_000)}"}`;
    const text = `{"model":"m","stream":true,"stream_options":${options},"messages":[]}`;
    const { plan, text: sent } = rewrite([Buffer.from(text)], undefined);
    assert.equal(sent, text);
    assert.equal(plan.hideUsage, false);
  });

  test("is not asked of formats that tell their usage anyway", () => {
    for (const path of ["/v1/responses", "/v1/embeddings"]) {
      const text = '{"model":"m","stream":true,"input":"x"}';
      const { plan, text: sent } = rewrite([Buffer.from(text)], undefined, formatOf(path));
      assert.equal(sent, text);
      assert.equal(plan.hideUsage, false);
      assert.equal(plan.stream, true);
    }
  });
});

describe("a body that a model cannot take is refused", () => {
  const responses = formatOf("/v1/responses");
  const cases: readonly (readonly [
    text: string,
    model: string | undefined,
    format: Format,
    reason: unknown,
  ])[] = [
    ["[]", "m", completions, { kind: "not_an_object" }],
    ['"messages"', "m", completions, { kind: "not_an_object" }],
    ["null", "m", completions, { kind: "not_an_object" }],
    ['[{"messages":[]}]', "m", completions, { kind: "not_an_object" }],
    ["{}", "m", completions, field("messages")],
    ['{"model":"m"}', undefined, completions, field("messages")],
    ['{"input":"x"}', "m", completions, field("messages")],
    ['{"a":{"messages":[]}}', "m", completions, field("messages")],
    ['{"messages":[]}', "m", responses, field("input")],
    ['{"messages":[]}', undefined, completions, field("model")],
    ['{"messages":[],"Model":"m"}', undefined, completions, field("model")],
    ...["null", "7", "[]", "{}", "true"].map(
      (model): readonly [string, undefined, Format, unknown] => [
        `{"messages":[],"model":${model}}`,
        undefined,
        completions,
        { kind: "wrong_field", field: "model", expected: "a string" },
      ],
    ),
  ];
  for (const [text, model, format, reason] of cases) {
    test(`${text} as ${format.name}`, () =>
      assert.deepEqual(reasonFor(text, model, format), reason));
  }
});

test("a small body goes out in one piece, a large one without being copied", () => {
  const small = everyByte(Buffer.from('{"messages":[]}'));
  const scan = (chunks: readonly Buffer[]) => {
    const scanner = createJsonScanner(wantedMembers(completions));
    for (const chunk of chunks) scanner.push(chunk);
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return { chunks, length, scanned: scanner.end() };
  };
  const one = scan(small);
  assert.equal(edited(one, planRewrite(one.scanned, completions, "m")).chunks.length, 1);

  const large = [Buffer.from('{"messages":["'), Buffer.alloc(100_000, "x"), Buffer.from('"]}')];
  const many = scan(large);
  const out = edited(many, planRewrite(many.scanned, completions, "m"));
  assert.ok(out.chunks.some((chunk) => chunk.buffer === large[1]?.buffer));
});
