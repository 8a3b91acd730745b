// The scanner stands between callers and a model: what it takes for JSON goes on, and the members it
// finds decide which model is paid for. So it must agree with JSON.parse on every text, and must not
// be slowed or filled by texts made for that.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { type Scanned, type Sought, sought } from "../../../../gateway/backend/ai/json-member.ts";
import { InvalidJson } from "../../../../gateway/backend/ai/invalid-json.ts";
import { createJsonScanner } from "../../../../gateway/backend/ai/json-scanner.ts";
import { gap, members, objectText, valueText } from "./json-text.ts";
import { cuts, everyByte, pieces } from "./pieces.ts";

const keys = ["model", "stream", "stream_options", "messages"];
const wanted = sought(keys);

function scan(chunks: readonly Buffer[], lookedFor: readonly Sought[] = wanted): Scanned {
  const scanner = createJsonScanner(lookedFor);
  for (const chunk of chunks) scanner.push(chunk);
  return scanner.end();
}

function scanText(text: string): Scanned {
  return scan([Buffer.from(text)]);
}

function isAccepted(accept: () => unknown): boolean {
  try {
    accept();
    return true;
  } catch (error) {
    assert.ok(error instanceof InvalidJson || error instanceof SyntaxError, String(error));
    return false;
  }
}

test("the members found are those written, in any split of the bytes", () => {
  fc.assert(
    fc.property(members, gap, cuts, (list, between, at) => {
      const bytes = Buffer.from(objectText(list, between));
      const expected = list
        .map(({ key, value }) => ({ key: String(JSON.parse(key)), text: value }))
        .filter(({ key }) => keys.includes(key));
      for (const chunks of [[bytes], pieces(bytes, at), everyByte(bytes)]) {
        const scanned = scan(chunks);
        assert.deepEqual(
          scanned.members.map(({ key, text }) => ({ key, text })),
          expected,
        );
        for (const { start, end, text } of scanned.members) {
          assert.equal(bytes.subarray(start, end).toString(), text);
        }
        assert.equal(scanned.root, "object");
        assert.equal(scanned.empty, list.length === 0);
        assert.equal(bytes[scanned.inside - 1], "{".charCodeAt(0));
        assert.equal(bytes.subarray(0, scanned.inside).toString().trim(), "{");
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a text is accepted exactly when JSON.parse accepts it, whatever is changed in it", () => {
  const wholeText = fc.oneof(
    valueText,
    fc.tuple(members, gap).map(([list, between]) => objectText(list, between)),
  );
  const change = fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.integer({ min: 0, max: 2 }),
    insert: fc.constantFrom(
      ..."{}[]:,\"\\ \n\t0123456789.-+eEtrufalsn/b\u0000\u001f\u007f\u00a0'".split(""),
      "",
      "\ufeff",
      "\\u",
      "\\u00",
      "\\x",
      "NaN",
      "01",
      "1.",
      ".5",
      "-",
      "nul",
      "//",
    ),
  });
  fc.assert(
    fc.property(wholeText, fc.array(change, { maxLength: 2 }), cuts, (original, changes, at) => {
      let text = original;
      for (const { place, remove, insert } of changes) {
        const index = Math.round(place * text.length);
        text = `${text.slice(0, index)}${insert}${text.slice(index + remove)}`;
      }
      // Half of a character has no bytes of its own.
      text = text.toWellFormed();
      const bytes = Buffer.from(text);
      const expected = isAccepted(() => JSON.parse(text));
      assert.equal(
        isAccepted(() => scan([bytes])),
        expected,
        JSON.stringify(text),
      );
      assert.equal(
        isAccepted(() => scan(pieces(bytes, at))),
        expected,
        "in pieces",
      );
    }),
    { numRuns: 20_000 },
  );
});

test("so is any sequence of the grammar's own characters", () => {
  const grammar = fc.string({
    unit: fc.constantFrom(...'{}[]:,"\\ u0123.-+eE'.split(""), "true", "false", "null"),
    maxLength: 12,
  });
  fc.assert(
    fc.property(grammar, (text) => {
      assert.equal(
        isAccepted(() => scanText(text)),
        isAccepted(() => JSON.parse(text)),
        text,
      );
    }),
    { numRuns: 20_000 },
  );
});

describe("texts at the edge of the grammar", () => {
  const texts = [
    "",
    " ",
    "{}",
    " { } ",
    "[]",
    "0",
    "-0",
    "-",
    "01",
    "1.",
    ".1",
    "1.0",
    "1e",
    "1e+",
    "1e+1",
    "0e0",
    "-0.0E-0",
    "1 2",
    "+1",
    "true",
    "tru",
    "truex",
    "nulll",
    '"',
    '"\\"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\u12G4"',
    '"\\u12@4"',
    '"\\u12`4"',
    '"\\u12/4"',
    '"\\u12:4"',
    '"\\uaAfF"',
    "1.e5",
    "-e5",
    "1ee5",
    "1e5.0",
    "1e5e5",
    "1.2.3",
    "--1",
    "1e--1",
    "1-1",
    "00",
    "0x1",
    '"\\uD800"',
    '"\t"',
    '"\\t"',
    '"\u007f"',
    "{,}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a":1 "b":2}',
    "{a:1}",
    "{'a':1}",
    "[,]",
    "[1,]",
    "[1 2]",
    "[1]]",
    "{]",
    "[}",
    "{}{}",
    "{} x",
    '{"a":1}\u0000',
    "\ufeff{}",
    "\u00a0{}",
    "/* */{}",
    "NaN",
    "Infinity",
    "undefined",
  ];
  for (const text of texts) {
    test(JSON.stringify(text), () => {
      const expected = isAccepted(() => JSON.parse(text));
      assert.equal(
        isAccepted(() => scanText(text)),
        expected,
      );
      assert.equal(
        isAccepted(() => scan(everyByte(Buffer.from(text)))),
        expected,
      );
    });
  }
});

describe("a mistake is named with its place", () => {
  const cases: readonly (readonly [text: string, message: string])[] = [
    ["", "it is empty at byte 0"],
    ["{", "it ends too soon at byte 1"],
    ['{"é":x}', "expected a value at byte 6"],
    ['{"a" 1}', "a missing colon at byte 5"],
    ["{} {}", "text after the end at byte 3"],
    ['{"a":1;}', "expected , or } at byte 6"],
    ["[1;]", "expected , or ] at byte 2"],
    ["{1:2}", "expected a key in double quotes at byte 1"],
    ['"\n"', "a control character in a string at byte 1"],
    ['"\\x"', "an unknown escape in a string at byte 2"],
    ['"\\u12x"', "an incomplete \\u escape at byte 5"],
    ["[1.]", "an incomplete number at byte 3"],
    ["[trux]", "an unknown word at byte 4"],
  ];
  for (const [text, message] of cases) {
    test(`${JSON.stringify(text)}: ${message}`, () => {
      assert.throws(() => scanText(text), { name: "InvalidJson", message });
      assert.throws(() => scan(everyByte(Buffer.from(text))), { name: "InvalidJson", message });
    });
  }
});

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

describe("depth", () => {
  test("512 levels are read, one more is not", () => {
    assert.equal(scanText(nested(512)).root, "other");
    assert.throws(() => scanText(nested(513)), {
      message: "nested deeper than 512 levels at byte 512",
    });
    assert.equal(scanText(`{"model":${nested(511)}}`).members[0]?.text, nested(511));
    assert.throws(() => scanText(`{"model":${nested(512)}}`), /nested deeper/);
  });
  test("a megabyte of brackets is refused at the first level too deep", () => {
    for (const bracket of ["[", '{"a":', '{"model":', '[{"a":']) {
      const bomb = Buffer.from(bracket.repeat(1_000_000 / bracket.length));
      assert.throws(() => scan([bomb]), /nested deeper than 512 levels/);
    }
  });
});

describe("keys", () => {
  test("an escaped key is the key it spells", () => {
    const { members: found } = scanText('{"\\u006Dodel":1,"mo\\u0064el":2,"m\\/odel":3,"model":4}');
    assert.deepEqual(
      found.map(({ key, text }) => [key, text]),
      [
        ["model", "1"],
        ["model", "2"],
        ["model", "4"],
      ],
    );
  });
  test("a key written twice is found twice", () => {
    const { members: found } = scanText('{"model":"a","x":{"model":"b"},"model":"c"}');
    assert.deepEqual(
      found.map(({ text }) => text),
      ['"a"', '"c"'],
    );
  });
  test("a key below the top level, or in a string, is not found", () => {
    assert.deepEqual(
      scanText('{"a":{"model":1},"b":[{"model":2}],"c":"\\"model\\":3"}').members,
      [],
    );
    assert.deepEqual(scanText('[{"model":1},"model"]').members, []);
    assert.deepEqual(scanText('"model"').members, []);
  });
  test("a key of a megabyte costs nothing and hides nothing", () => {
    const long = "k".repeat(1_000_000);
    const { members: found } = scanText(`{"${long}":1,"model":2,"model${long}":3}`);
    assert.deepEqual(
      found.map(({ key, text }) => [key, text]),
      [["model", "2"]],
    );
  });
  test("so does one of 128 bytes and one of 129", () => {
    for (const length of [127, 128, 129]) {
      const key = "k".repeat(length);
      const found = scan([Buffer.from(`{"${key}":1}`)], sought([key])).members;
      assert.equal(found.length, length <= 128 ? 1 : 0);
    }
  });
  test("a key within a value does not change the key of the value", () => {
    const text = '{"model":{"other":[{"stream":1}]}}';
    assert.deepEqual(
      scanText(text).members.map(({ key }) => key),
      ["model"],
    );
  });
});

describe("values", () => {
  test("a value of 64 KiB is kept, a longer one only found", () => {
    const fits = `"${"v".repeat(64 * 1024 - 2)}"`;
    const exceeds = `"${"v".repeat(64 * 1024 - 1)}"`;
    for (const value of [fits, exceeds]) {
      const text = `{"model": ${value} ,"stream":true}`;
      for (const chunks of [[Buffer.from(text)], pieces(Buffer.from(text), [0.1, 0.5, 0.51])]) {
        const [model, stream] = scan(chunks).members;
        assert.equal(model?.start, 10);
        assert.equal(model?.end, 10 + value.length);
        assert.equal(model?.text, value === fits ? value : undefined);
        assert.equal(stream?.text, "true");
      }
    }
  });
  test("numbers keep their digits", () => {
    for (const number of ["12345678901234567890", "1.0", "1e400", "-0", "0.1000"]) {
      for (const after of ["}", " }", ',"a":1}']) {
        assert.equal(scanText(`{"model":${number}${after}`).members[0]?.text, number);
      }
    }
  });
  test("a number of a million digits is read", () => {
    const text = `{"a":${"9".repeat(1_000_000)},"model":1}`;
    assert.equal(scanText(text).members[0]?.text, "1");
  });
  test("a string of a million escapes is read", () => {
    const text = `{"a":"${"\\u0041".repeat(1_000_000)}","model":1}`;
    assert.equal(scanText(text).members[0]?.text, "1");
  });
  test("a character cut in two by the end of a chunk stays whole", () => {
    const bytes = Buffer.from('{"model":"é€😀"}');
    assert.equal(scan(everyByte(bytes)).members[0]?.text, '"é€😀"');
  });
});

test("a comma before the closing brace is refused, also at the start of a chunk", () => {
  const scanner = createJsonScanner(wanted);
  scanner.push(Buffer.from('{"model":1,'));
  assert.throws(() => scanner.push(Buffer.from("}")), InvalidJson);
});

test("a member of which only the place is asked for has no text", () => {
  const bytes = Buffer.from('{"messages":[{"content":"hi"}],"m\\u006fdel":"gpt"}');
  for (const chunks of [[bytes], everyByte(bytes)]) {
    const { members: found } = scan(chunks, sought(["model"], ["messages"]));
    assert.deepEqual(
      found.map(({ key, text, start, end }) => [key, text, bytes.toString("utf8", start, end)]),
      [
        ["messages", undefined, '[{"content":"hi"}]'],
        ["model", '"gpt"', '"gpt"'],
      ],
    );
  }
});

test("a key or a value longer than is kept is passed over, in one piece and in many", () => {
  const long = "x".repeat(70_000);
  const bytes = Buffer.from(`{"${long}":1,"model":"${long}","stream":true}`);
  for (const chunks of [[bytes], pieces(bytes, [0.00001, 0.01, 0.2, 0.45, 0.501, 0.8])]) {
    assert.deepEqual(
      scan(chunks).members.map(({ key, text }) => [key, text]),
      [
        ["model", undefined],
        ["stream", "true"],
      ],
    );
  }
});
