import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  codePoints,
  groupsOf,
  maxPiece,
  piecesOf,
} from "../../../../../gateway/backend/ai/guard/pieces.ts";

test("a text that one call takes stays whole, none is no piece", () => {
  assert.deepEqual(piecesOf(""), []);
  assert.deepEqual(piecesOf("a".repeat(maxPiece)), ["a".repeat(maxPiece)]);
});

test("the limit counts characters, not UTF-16 units", () => {
  const faces = "👋".repeat(maxPiece);
  assert.deepEqual(piecesOf(faces), [faces]);
  assert.equal(piecesOf(`${faces}!`).length, 2);
});

test("pieces of any text are within the limit, cut no character, and leave no gap", () => {
  const word = fc.constantFrom("a", "é", "你", "👋🏽", "\ud83d");
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1 }),
      fc.integer({ max: 12_000, min: 1 }),
      (words, times) => {
        // No two places of it are alike.
        const text = Array.from({ length: times }, (_, n) => `${n}${words[n % words.length]}`).join(
          " ",
        );
        let covered = 0;
        for (const piece of piecesOf(text)) {
          const at = text.indexOf(piece);
          assert.ok(codePoints(piece) <= maxPiece);
          assert.ok(at !== -1 && at <= covered);
          assert.doesNotMatch(piece, /^[\udc00-\udfff]/);
          covered = at + piece.length;
        }
        assert.equal(covered, text.length);
      },
    ),
    { numRuns: 40 },
  );
});

test("what stands on the border of two pieces is whole in one of them", () => {
  for (const at of [9_850, 9_900, 9_995, 10_000, 19_640, 19_799]) {
    const text = `${"x".repeat(at)}forbidden words${"y".repeat(20_000)}`;
    assert.ok(
      piecesOf(text).some((piece) => piece.includes("forbidden words")),
      String(at),
    );
  }
});

const of = (...lengths: number[]) => lengths.map((length) => "d".repeat(length));
const sizes = (documents: string[]) =>
  groupsOf(documents).map((group) => group.map((each) => each.length));

test("documents share a call up to five and up to its limit", () => {
  assert.deepEqual(sizes([]), []);
  assert.deepEqual(sizes(of(1, 2, 3, 4, 5, 6)), [[1, 2, 3, 4, 5], [6]]);
  assert.deepEqual(sizes(of(6_000, 4_000, 1)), [[6_000, 4_000], [1]]);
  assert.deepEqual(sizes(of(12_000)), [[10_000], [2_200]]);
});
