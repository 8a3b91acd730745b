// The threat: a body that says one thing to the guard and another to the model, because their parsers
// choose differently between two members of one name.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { requireOneReading } from "../../../../../gateway/backend/ai/guard/one-reading.ts";
import { Refusal } from "../../../../../gateway/errors.ts";

const read = (text: string): Promise<void> => requireOneReading(Buffer.from(text));
const isUncheckable = (error: unknown): boolean =>
  error instanceof Refusal && error.reason.kind === "uncheckable_body";

describe("refused", () => {
  for (const text of [
    '{"messages":[],"messages":[]}',
    '{"messages":[],"Messages":[]}',
    '{"a":{"content":"x","b":{},"content":"y"}}',
    String.raw`{"a":[{"content":1,"\u0063ontent":2}]}`,
    String.raw`{"a\\":1,"a\"":2,"a\\":3}`,
    '{"":1, "" :2}',
    `[${"0,".repeat(600_000)}0]`,
  ]) {
    test(text.slice(0, 60), () => assert.rejects(read(text), isUncheckable));
  }
});

describe("taken", () => {
  for (const text of [
    "{}",
    '"text"',
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
    '{"a":"{\\"a\\":1,\\"a\\":2}","b":"a"}',
    '{"a":{"b":1,"B":2}}',
    String.raw`{"a":"\\","b":"\"a\":","c":["a","a"]}`,
  ]) {
    test(text, () => read(text));
  }

  test("whatever has been an object", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string().map((key) => key.toLowerCase()),
          fc.jsonValue(),
        ),
        (value) => read(JSON.stringify(value)),
      ),
    );
  });
});
