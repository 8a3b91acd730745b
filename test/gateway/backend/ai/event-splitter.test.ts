// Streams are passed on event by event. Whatever the split: the same bytes out, in the same events,
// each as soon as its last line has ended.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { createEventSplitter } from "../../../../gateway/backend/ai/event-splitter.ts";
import { cuts, everyByte, pieces } from "./pieces.ts";

type Split = { readonly events: readonly Buffer[]; readonly rest: Buffer };

function split(chunks: readonly Buffer[]): Split {
  const splitter = createEventSplitter();
  const events = chunks.flatMap((chunk) => splitter.push(chunk));
  return { events, rest: splitter.rest() ?? Buffer.alloc(0) };
}

function lines(text: string): string[] {
  return text.split(/\r\n|\n|\r/);
}

/** Lines of the events that have ended in a text, by the standard's own words. */
function ended(text: string): string[][] {
  const events: string[][] = [];
  let current: string[] = [];
  // The last line has not ended.
  for (const line of lines(text).slice(0, -1)) {
    if (line === "") {
      events.push(current);
      current = [];
    } else current.push(line);
  }
  return events;
}

/** A CRLF cut in its middle ends the event at CR; the LF that is left travels with the next. */
function linesOf(event: Buffer): string[] {
  return lines(event.toString()).filter((line) => line !== "");
}

const line = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('data: {"é":"😀€"}', "data: [DONE]", ": comment", "x") },
  { weight: 2, arbitrary: fc.constant("") },
);
const stream = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 20 })
  .chain((list) =>
    fc
      .constantFrom("", "data: unfinished é")
      .map((tail) => `${list.map((pair) => pair.join("")).join("")}${tail}`),
  );

test("any split of the bytes gives the same bytes in the same events", () => {
  fc.assert(
    fc.property(stream, cuts, (text, at) => {
      const bytes = Buffer.from(text);
      for (const chunks of [[bytes], pieces(bytes, at), everyByte(bytes)]) {
        const { events, rest } = split(chunks);
        assert.ok(Buffer.concat([...events, rest]).equals(bytes));
        assert.deepEqual(events.map(linesOf), ended(text));
      }
    }),
    { numRuns: 3_000 },
  );
});

test("an event is handed on with the chunk that ends it, and not before", () => {
  fc.assert(
    fc.property(stream, cuts, (text, at) => {
      const splitter = createEventSplitter();
      let seen = Buffer.alloc(0);
      let count = 0;
      for (const chunk of pieces(Buffer.from(text), at)) {
        seen = Buffer.concat([seen, chunk]);
        count += splitter.push(chunk).length;
        assert.equal(count, ended(seen.toString()).length);
      }
    }),
    { numRuns: 2_000 },
  );
});

describe("lines may end in LF, CR or CRLF", () => {
  const cases: readonly (readonly [
    chunks: readonly string[],
    events: readonly string[],
    rest: string,
  ])[] = [
    [["data: a\n\ndata: b\n\n"], ["data: a\n\n", "data: b\n\n"], ""],
    [["data: a\r\rdata: b\r\r"], ["data: a\r\r", "data: b\r\r"], ""],
    [["data: a\r\n\r\ndata: b\r\n\r\n"], ["data: a\r\n\r\n", "data: b\r\n\r\n"], ""],
    [["data: a\n\r\ndata: b\r\n\n"], ["data: a\n\r\n", "data: b\r\n\n"], ""],
    [["data: a\ndata: b\n\n"], ["data: a\ndata: b\n\n"], ""],
    [["data: a\n", "\n"], ["data: a\n\n"], ""],
    [["data: a\r", "\n\r\n"], ["data: a\r\n\r\n"], ""],
    [["data: a\r\n", "\r\n"], ["data: a\r\n\r\n"], ""],
    [["data: a\r\n\r", "\ndata: b\r\n\r\n"], ["data: a\r\n\r", "\ndata: b\r\n\r\n"], ""],
    [["data: a"], [], "data: a"],
    [["data: a\n"], [], "data: a\n"],
    [["data: a\r\n"], [], "data: a\r\n"],
    [["\n"], ["\n"], ""],
    [["", "data: a\n\n", ""], ["data: a\n\n"], ""],
    [[], [], ""],
  ];
  for (const [chunks, events, rest] of cases) {
    test(JSON.stringify(chunks), () => {
      const found = split(chunks.map((chunk) => Buffer.from(chunk)));
      assert.deepEqual(found.events.map(String), events);
      assert.equal(found.rest.toString(), rest);
    });
  }
});

test("an event beyond a megabyte is handed on in pieces, and the next is whole again", () => {
  const splitter = createEventSplitter();
  const chunk = Buffer.from("x".repeat(300_000));
  const large = [Buffer.from("data: "), chunk, chunk, chunk, chunk, chunk, Buffer.from("\n\n")];
  const out = large.map((each) => splitter.push(each));
  const before = out.slice(0, -1).flat();
  assert.ok(before.length > 0, "it waited for the end");
  assert.ok(Buffer.concat(out.flat()).equals(Buffer.concat(large)));
  assert.deepEqual(splitter.push(Buffer.from("data: a\n\ndata: b\n\n")).map(String), [
    "data: a\n\n",
    "data: b\n\n",
  ]);
  assert.equal(splitter.rest(), undefined);
});

test("the rest is told once", () => {
  const splitter = createEventSplitter();
  splitter.push(Buffer.from("data: a"));
  assert.equal(splitter.rest()?.toString(), "data: a");
  assert.equal(splitter.rest(), undefined);
});
