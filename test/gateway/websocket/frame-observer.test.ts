// Frames as they go by: found in pieces of any size, read as far as is wanted, and never more. What a
// hostile side writes into a header is survived.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { array, assert as assertProperty, integer, property, uint8Array } from "fast-check";
import { closeFrame, ping } from "../../../gateway/websocket/control-frame.ts";
import { createFrameObserver } from "../../../gateway/websocket/frame-observer.ts";

type Shape = {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly reserved?: number;
  readonly mask?: readonly [number, number, number, number];
  /** Instead of the payload's own. */
  readonly length?: bigint;
};

function frame(payload: string | Buffer, shape: Shape = {}): Buffer {
  const { opcode = 1, final = true, reserved = 0, mask } = shape;
  const bytes = Buffer.from(payload);
  const length = shape.length ?? BigInt(bytes.length);
  const first = (final ? 0x80 : 0) | reserved | opcode;
  const masked = mask === undefined ? 0 : 0x80;
  let head: Buffer;
  if (length < 126n) head = Buffer.from([first, masked | Number(length)]);
  else if (length < 65_536n) {
    head = Buffer.from([first, masked | 126, 0, 0]);
    head.writeUInt16BE(Number(length), 2);
  } else {
    head = Buffer.from([first, masked | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.writeBigUInt64BE(length, 2);
  }
  const body = mask === undefined ? bytes : bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([head, Buffer.from(mask ?? []), body]);
}

/** Texts that begin with `keep`, as the observer hands them on. */
function observed(chunks: readonly Buffer[]) {
  const texts: string[] = [];
  const beginnings: string[] = [];
  const observer = createFrameObserver({
    begins(beginning) {
      beginnings.push(beginning);
      return beginning.startsWith("keep");
    },
    whole: (text) => void texts.push(text.toString()),
  });
  for (const chunk of chunks) observer.push(chunk);
  const [boundary, code] = [observer.atBoundary(), observer.closeCode()];
  return { texts, beginnings: beginnings.length, boundary, code };
}

const long = `keep ${"x".repeat(70_000)}`;
const part = (text: string) => frame(text, { opcode: 0, final: false });
const end = (text: string) => frame(text, { opcode: 0 });
const mask = [1, 2, 3, 250] as const;

describe("texts are found", () => {
  const cases: readonly (readonly [name: string, bytes: Buffer, texts: readonly string[]])[] = [
    ["one", frame("keep a"), ["keep a"]],
    ["one that is not wanted", frame("drop a"), []],
    ["an empty one, then one", Buffer.concat([frame(""), frame("keep b")]), ["keep b"]],
    ["of 126 bytes", frame(`keep ${"x".repeat(121)}`), [`keep ${"x".repeat(121)}`]],
    ["of more than 64 KiB", frame(long), [long]],
    [
      "in fragments",
      Buffer.concat([frame("ke", { final: false }), part("ep"), end(" c")]),
      ["keep c"],
    ],
    [
      "in fragments with a ping between them",
      Buffer.concat([frame("keep", { final: false }), ping, frame("x", { opcode: 9 }), end(" d")]),
      ["keep d"],
    ],
    [
      "an empty last fragment",
      Buffer.concat([frame("keep e", { final: false }), end("")]),
      ["keep e"],
    ],
    ["not binary ones", frame("keep f", { opcode: 2 }), []],
    [
      "not the continuation of a binary one",
      Buffer.concat([frame("keep", { opcode: 2, final: false }), end(" g")]),
      [],
    ],
    ["not compressed ones", frame("keep h", { reserved: 0x40 }), []],
    ["not masked ones", frame("keep i", { mask }), []],
    ["not those of more than 1 MiB", frame(`keep ${"x".repeat(1024 * 1024)}`), []],
    [
      "after one of more than 1 MiB",
      Buffer.concat([frame(`keep ${"x".repeat(1024 * 1024)}`), frame("keep j")]),
      ["keep j"],
    ],
    [
      "a text that begins inside another is another",
      Buffer.concat([frame("keep", { final: false }), frame("keep k")]),
      ["keep k"],
    ],
    ["a stray continuation is none", end("keep l"), []],
  ];
  for (const [name, bytes, texts] of cases) {
    test(name, () => {
      assert.deepEqual(observed([bytes]).texts, texts);
      assert.ok(observed([bytes]).boundary);
    });
    test(`${name}, in whatever pieces`, () => {
      const sizes = array(integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 });
      assertProperty(
        property(sizes, (list) => {
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = list[turn % list.length] ?? 1;
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          assert.deepEqual(observed(pieces).texts, texts);
        }),
        { numRuns: bytes.length > 100_000 ? 2 : 30 },
      );
    });
    if (bytes.length < 1_000) {
      test(`${name}, byte by byte`, () => {
        assert.deepEqual(observed([...bytes].map((byte) => Buffer.from([byte]))).texts, texts);
      });
    }
  }
});

test("what a message is for is asked once, however it is cut", () => {
  const bytes = Buffer.concat([frame("a", { final: false }), part("b"), end("x".repeat(3_000))]);
  assert.equal(observed([...bytes].map((byte) => Buffer.from([byte]))).beginnings, 1);
});

test("a frame may be put in only between frames", () => {
  const bytes = frame("x".repeat(200));
  for (let cut = 1; cut < bytes.length; cut += 1) {
    assert.equal(observed([bytes.subarray(0, cut)]).boundary, false, String(cut));
  }
  assert.equal(observed([bytes]).boundary, true);
  assert.equal(observed([frame("a", { final: false })]).boundary, true);
});

describe("the close code is seen", () => {
  const masked = frame(Buffer.from([3, 232, 79, 75]), { opcode: 8, mask });
  const cases: readonly (readonly [name: string, bytes: Buffer, code: number | undefined])[] = [
    ["of a server", closeFrame("client", 1001), 1001],
    ["of a client", closeFrame("server", 1001), 1001],
    ["with a reason, masked", masked, 1000],
    ["none", frame("", { opcode: 8 }), 1005],
    ["half of one", frame("\u0003", { opcode: 8 }), 1005],
    ["before it is whole", masked.subarray(0, -1), undefined],
    ["of no close frame", frame("\u0003\u00e8"), undefined],
  ];
  for (const [name, bytes, code] of cases) {
    test(name, () => {
      assert.equal(observed([bytes]).code, code);
      assert.equal(observed([...bytes].map((byte) => Buffer.from([byte]))).code, code);
    });
  }
});

describe("hostile lengths", () => {
  test("of 2^63 and more: nothing is told from there on, and nothing is kept", () => {
    for (const length of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n]) {
      const bytes = Buffer.concat([
        frame("", { length }),
        frame("keep a"),
        closeFrame("client", 1000),
      ]);
      const { texts, boundary, code } = observed([bytes]);
      assert.deepEqual([texts, boundary, code], [[], false, undefined]);
    }
  });
  test("a petabyte announced is not a petabyte reserved", () => {
    assert.equal(observed([frame("keep", { length: 2n ** 50n })]).boundary, false);
  });
  test("bytes of any kind do no harm", () => {
    assertProperty(
      property(array(uint8Array({ maxLength: 300 }), { maxLength: 30 }), (chunks) => {
        observed(chunks.map((chunk) => Buffer.from(chunk)));
      }),
    );
  });
});
