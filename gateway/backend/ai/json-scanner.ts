import { endsRun, isEscape, isHex, words } from "./json-bytes.ts";
import { InvalidJson } from "./invalid-json.ts";
import { createKept } from "./json-kept.ts";
import { type Member, type Sought, findSought } from "./json-member.ts";
import { afterNumber, isNumberEnd, startNumber } from "./json-number.ts";

/**
 * Reads a JSON text in pieces and finds members of its top-level object, without building values:
 * what is not looked for is only checked against the grammar (RFC 8259). Takes time linear in the
 * text and constant memory besides the members kept, whatever the text holds.
 */
export type JsonScanner = {
  /** Throws InvalidJson. */
  push(chunk: Buffer): void;
  /** The text is complete; throws InvalidJson when it is not. */
  end(): Scanned;
};

export type Scanned = {
  readonly root: "object" | "other";
  /** Offset just past the opening brace of the object. */
  readonly inside: number;
  /** Whether the object has no members. */
  readonly empty: boolean;
  /** Members looked for, in the order of the text; a key written twice is there twice. */
  readonly members: readonly Member[];
};

/** Deeper than any request or answer; Azure's own parsers stop sooner. */
const maxDepth = 512;
/** Longest key, in bytes as written, that is compared with those looked for. */
const maxKey = 128;
/** Longest value kept, in bytes. */
const maxValue = 64 * 1024;
/** Members kept; a body that says the same thing over and over wants to cost, not to be understood. */
const maxMembers = 64;

// What may come next.
const value = 0;
const valueOrEnd = 1;
const keyOrEnd = 2;
const key = 3;
const colon = 4;
const commaOrEnd = 5;
const nothing = 6;
// Inside a token.
const string = 7;
const escape = 8;
const hex = 9;
const number = 10;
const word = 11;

const object = 1;
const array = 2;

export function createJsonScanner(wanted: readonly Sought[]): JsonScanner {
  const stack: number[] = [];
  let depth = 0;
  let state = value;
  let consumed = 0;
  let hexLeft = 0;
  let numberState = 0;
  let expectedWord = "";
  let wordAt = 0;
  let stringIsKey = false;

  let root: "object" | "other" = "other";
  let inside = 0;
  let empty = true;
  const members: Member[] = [];

  /** The member whose value is being read. */
  let member: Sought | undefined;
  let memberStart = 0;
  /** The key read last, where it is one of those looked for. */
  let found: Sought | undefined;

  let chunk: Buffer = nothingRead;
  /** A key of the top-level object, or the value of a member whose text is wanted. */
  const kept = createKept(maxValue);

  return { push, end };

  function push(next: Buffer): void {
    chunk = next;
    const { length } = next;
    let index = 0;
    while (index < length) {
      const byte = next[index] ?? 0;
      switch (state) {
        case string: {
          // The bulk of most texts: run to the next byte that means something.
          while (index < length && endsRun[next[index] ?? 0] === 0) index += 1;
          if (index === length) break;
          const current = next[index] ?? 0;
          if (current < 0x20) fail("a control character in a string", index);
          index += 1;
          if (current === 0x5c) state = escape;
          else if (stringIsKey) endKey(index - 1);
          else endValue(index);
          break;
        }
        case escape:
          if (byte === 0x75) {
            state = hex;
            hexLeft = 4;
          } else if (isEscape(byte)) state = string;
          else fail("an unknown escape in a string", index);
          index += 1;
          break;
        case hex:
          if (!isHex(byte)) fail("an incomplete \\u escape", index);
          hexLeft -= 1;
          if (hexLeft === 0) state = string;
          index += 1;
          break;
        case number: {
          const following = afterNumber(numberState, byte);
          if (following === -1) {
            if (!isNumberEnd(numberState)) fail("an incomplete number", index);
            // The byte belongs to what follows the number.
            endValue(index);
          } else {
            numberState = following;
            index += 1;
          }
          break;
        }
        case word:
          if (byte !== expectedWord.charCodeAt(wordAt)) fail("an unknown word", index);
          wordAt += 1;
          index += 1;
          if (wordAt === expectedWord.length) endValue(index);
          break;
        default:
          if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
            structure(byte, index);
          index += 1;
      }
    }
    if (kept.active) kept.carry(next);
    consumed += length;
  }

  function structure(byte: number, at: number): void {
    switch (state) {
      case valueOrEnd:
        if (byte === 0x5d) return close(at);
        return startValue(byte, at);
      case value:
        return startValue(byte, at);
      case keyOrEnd:
        if (byte === 0x7d) return close(at);
        return startKey(byte, at);
      case key:
        return startKey(byte, at);
      case colon:
        if (byte !== 0x3a) fail("a missing colon", at);
        state = value;
        return;
      case commaOrEnd: {
        const isObject = stack[depth] === object;
        if (byte === 0x2c) state = isObject ? key : value;
        else if (byte === (isObject ? 0x7d : 0x5d)) close(at);
        else fail(isObject ? "expected , or }" : "expected , or ]", at);
        return;
      }
      default:
        fail("text after the end", at);
    }
  }

  function startKey(byte: number, at: number): void {
    if (byte !== 0x22) fail("expected a key in double quotes", at);
    state = string;
    stringIsKey = true;
    if (depth !== 1) return;
    empty = false;
    kept.begin(at + 1);
  }

  function endKey(at: number): void {
    state = colon;
    if (depth !== 1) return;
    found = kept.end(chunk, at, maxKey, find);
  }

  function startValue(byte: number, at: number): void {
    if (depth === 1 && found !== undefined && stack[1] === object) {
      member = found;
      found = undefined;
      memberStart = consumed + at;
      if (member.text) kept.begin(at);
    }
    if (byte === 0x22) {
      state = string;
      stringIsKey = false;
    } else if (byte === 0x7b || byte === 0x5b) open(byte, at);
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      state = number;
      numberState = startNumber(byte);
    } else {
      const wordText = words[byte];
      if (wordText === undefined) return fail("expected a value", at);
      state = word;
      expectedWord = wordText;
      wordAt = 1;
    }
  }

  /** @param at just past its last byte */
  function endValue(at: number): void {
    state = depth === 0 ? nothing : commaOrEnd;
    if (depth !== 1 || member === undefined) return;
    const { key: name } = member;
    if (members.length === maxMembers) fail(`more than ${maxMembers} of "${name}"`, at);
    const text = member.text ? kept.end(chunk, at, maxValue, textOf) : undefined;
    members.push({ key: name, start: memberStart, end: consumed + at, text });
    member = undefined;
  }

  function open(byte: number, at: number): void {
    depth += 1;
    if (depth > maxDepth) fail(`nested deeper than ${maxDepth} levels`, at);
    stack[depth] = byte === 0x7b ? object : array;
    state = byte === 0x7b ? keyOrEnd : valueOrEnd;
    if (depth === 1 && byte === 0x7b) {
      root = "object";
      inside = consumed + at + 1;
    }
  }

  function close(at: number): void {
    depth -= 1;
    endValue(at + 1);
  }

  function find(bytes: Buffer, from: number, to: number): Sought | undefined {
    return findSought(wanted, bytes, from, to);
  }

  function end(): Scanned {
    if (state === number && depth === 0 && isNumberEnd(numberState)) state = nothing;
    if (state !== nothing) fail(consumed === 0 ? "it is empty" : "it ends too soon", 0);
    return { root, inside, empty, members };
  }

  function fail(message: string, at: number): never {
    throw new InvalidJson(message, consumed + at);
  }
}

function textOf(bytes: Buffer, from: number, to: number): string {
  return bytes.toString("utf8", from, to);
}

const nothingRead = Buffer.alloc(0);
