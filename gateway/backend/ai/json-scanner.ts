import { endsRun, isEscape, isHex, words } from "./json-bytes.ts";
import { InvalidJson } from "./invalid-json.ts";
import { KeptBytes } from "./json-kept.ts";
import { type Member, type Scanned, type Sought, findSought } from "./json-member.ts";
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
  return new Scanner(wanted);
}

/** A class, for there are two of them to every request: closures would be made anew for each. */
class Scanner implements JsonScanner {
  private readonly wanted: readonly Sought[];
  /** Kinds of what is open, by depth. */
  private readonly open: number[] = [];
  private depth = 0;
  private state = value;
  private consumed = 0;
  private hexLeft = 0;
  private numberState = 0;
  private word = "";
  private wordAt = 0;
  private stringIsKey = false;

  private root: "object" | "other" = "other";
  private inside = 0;
  private empty = true;
  private readonly members: Member[] = [];

  /** The member whose value is being read. */
  private member: Sought | undefined = undefined;
  private memberStart = 0;
  /** The key read last, where it is one of those looked for. */
  private found: Sought | undefined = undefined;
  /** A key of the top-level object, or the value of a member whose text is wanted. */
  private readonly kept = new KeptBytes(maxValue);

  constructor(wanted: readonly Sought[]) {
    this.wanted = wanted;
  }

  push(chunk: Buffer): void {
    const { length } = chunk;
    let index = 0;
    while (index < length) {
      const byte = chunk[index] ?? 0;
      switch (this.state) {
        case string: {
          // The bulk of most texts: run to the next byte that means something.
          while (index < length && endsRun[chunk[index] ?? 0] === 0) index += 1;
          if (index === length) break;
          const current = chunk[index] ?? 0;
          if (current < 0x20) this.fail("a control character in a string", index);
          index += 1;
          if (current === 0x5c) this.state = escape;
          else if (this.stringIsKey) this.endKey(chunk, index - 1);
          else this.endValue(chunk, index);
          break;
        }
        case escape:
          if (byte === 0x75) {
            this.state = hex;
            this.hexLeft = 4;
          } else if (isEscape(byte)) this.state = string;
          else this.fail("an unknown escape in a string", index);
          index += 1;
          break;
        case hex:
          if (!isHex(byte)) this.fail("an incomplete \\u escape", index);
          this.hexLeft -= 1;
          if (this.hexLeft === 0) this.state = string;
          index += 1;
          break;
        case number: {
          const following = afterNumber(this.numberState, byte);
          if (following === -1) {
            if (!isNumberEnd(this.numberState)) this.fail("an incomplete number", index);
            // The byte belongs to what follows the number.
            this.endValue(chunk, index);
          } else {
            this.numberState = following;
            index += 1;
          }
          break;
        }
        case word:
          if (byte !== this.word.charCodeAt(this.wordAt)) this.fail("an unknown word", index);
          this.wordAt += 1;
          index += 1;
          if (this.wordAt === this.word.length) this.endValue(chunk, index);
          break;
        default:
          if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
            this.structure(chunk, byte, index);
          index += 1;
      }
    }
    if (this.kept.active) this.kept.carry(chunk);
    this.consumed += length;
  }

  end(): Scanned {
    if (this.state === number && this.depth === 0 && isNumberEnd(this.numberState))
      this.state = nothing;
    if (this.state !== nothing)
      this.fail(this.consumed === 0 ? "it is empty" : "it ends too soon", 0);
    const { root, inside, empty, members } = this;
    return { root, inside, empty, members };
  }

  private structure(chunk: Buffer, byte: number, at: number): void {
    switch (this.state) {
      case valueOrEnd:
        if (byte === 0x5d) return this.close(chunk, at);
        return this.startValue(byte, at);
      case value:
        return this.startValue(byte, at);
      case keyOrEnd:
        if (byte === 0x7d) return this.close(chunk, at);
        return this.startKey(byte, at);
      case key:
        return this.startKey(byte, at);
      case colon:
        if (byte !== 0x3a) this.fail("a missing colon", at);
        this.state = value;
        return;
      case commaOrEnd: {
        const isObject = this.open[this.depth] === object;
        if (byte === 0x2c) this.state = isObject ? key : value;
        else if (byte === (isObject ? 0x7d : 0x5d)) this.close(chunk, at);
        else this.fail(isObject ? "expected , or }" : "expected , or ]", at);
        return;
      }
      default:
        this.fail("text after the end", at);
    }
  }

  private startKey(byte: number, at: number): void {
    if (byte !== 0x22) this.fail("expected a key in double quotes", at);
    this.state = string;
    this.stringIsKey = true;
    if (this.depth !== 1) return;
    this.empty = false;
    this.kept.begin(at + 1);
  }

  private endKey(chunk: Buffer, at: number): void {
    this.state = colon;
    if (this.depth !== 1) return;
    this.found = this.kept.end(chunk, at, maxKey, findSought, this.wanted);
  }

  private startValue(byte: number, at: number): void {
    const { found } = this;
    if (this.depth === 1 && found !== undefined && this.open[1] === object) {
      this.member = found;
      this.found = undefined;
      this.memberStart = this.consumed + at;
      if (found.text) this.kept.begin(at);
    }
    if (byte === 0x22) {
      this.state = string;
      this.stringIsKey = false;
    } else if (byte === 0x7b || byte === 0x5b) this.enter(byte, at);
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.state = number;
      this.numberState = startNumber(byte);
    } else {
      const text = words[byte];
      if (text === undefined) return this.fail("expected a value", at);
      this.state = word;
      this.word = text;
      this.wordAt = 1;
    }
  }

  /** @param at just past its last byte */
  private endValue(chunk: Buffer, at: number): void {
    this.state = this.depth === 0 ? nothing : commaOrEnd;
    const { member } = this;
    if (this.depth !== 1 || member === undefined) return;
    this.member = undefined;
    if (this.members.length === maxMembers) {
      this.fail(`more than ${maxMembers} of "${member.key}"`, at);
    }
    this.members.push({
      key: member.key,
      start: this.memberStart,
      end: this.consumed + at,
      text: member.text ? this.kept.endText(chunk, at, maxValue) : undefined,
    });
  }

  private enter(byte: number, at: number): void {
    this.depth += 1;
    if (this.depth > maxDepth) this.fail(`nested deeper than ${maxDepth} levels`, at);
    this.open[this.depth] = byte === 0x7b ? object : array;
    this.state = byte === 0x7b ? keyOrEnd : valueOrEnd;
    if (this.depth === 1 && byte === 0x7b) {
      this.root = "object";
      this.inside = this.consumed + at + 1;
    }
  }

  private close(chunk: Buffer, at: number): void {
    this.depth -= 1;
    this.endValue(chunk, at + 1);
  }

  private fail(message: string, at: number): never {
    throw new InvalidJson(message, this.consumed + at);
  }
}
