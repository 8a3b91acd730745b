import { setImmediate as othersFirst } from "node:timers/promises";
import { Refusal } from "../../../errors.ts";

/** Values in a body; more than any conversation has, and few enough to be parsed in one turn. */
const maxValues = 500_000;
/** Bytes looked at before others get their turn. */
const atOnce = 128 * 1024;

/**
 * Refuses a body that two parsers may read in two ways: the check would see one text, and the model
 * be told another. That is an object in which a member is there twice (RFC 8259, section 4); at the
 * top also one in another case.
 *
 * @param body JSON that has been scanned before
 */
export async function requireOneReading(body: Buffer): Promise<void> {
  /** The members so far of each object around; none for a list. */
  const around: (Set<string> | undefined)[] = [];
  let values = 0;
  let turnEnds = atOnce;
  let keyNext = false;
  for (let at = 0; at < body.length; at += 1) {
    switch (body[at]) {
      case 0x7b: // {
      case 0x5b: // [
        keyNext = body[at] === 0x7b;
        around.push(keyNext ? new Set() : undefined);
        values += 1;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        keyNext = false;
        around.pop();
        break;
      case 0x2c: // ,
        keyNext = around.at(-1) !== undefined;
        values += 1;
        break;
      case 0x22: {
        const end = closingQuote(body, at);
        if (keyNext) addOnce(around.at(-1), nameIn(body.subarray(at, end + 1), around.length));
        keyNext = false;
        at = end;
      }
    }
    if (values > maxValues) throw uncheckable(`it has more than ${maxValues} values`);
    if (at < turnEnds) continue;
    turnEnds = at + atOnce;
    await othersFirst();
  }
}

function addOnce(members: Set<string> | undefined, name: string): void {
  if (members?.has(name) === true) throw uncheckable("an object in it has a member twice");
  members?.add(name);
}

function nameIn(quoted: Buffer, depth: number): string {
  const text = quoted.toString();
  const name = text.includes("\\") ? String(JSON.parse(text)) : text.slice(1, -1);
  return depth === 1 ? name.toLowerCase() : name;
}

function closingQuote(body: Buffer, opening: number): number {
  for (let from = opening + 1; ;) {
    const quote = body.indexOf(0x22, from);
    if (quote === -1) throw new TypeError("a string without end in JSON that has been scanned");
    let first = quote;
    while (body[first - 1] === 0x5c) first -= 1;
    if ((quote - first) % 2 === 0) return quote;
    from = quote + 1;
  }
}

function uncheckable(detail: string): Refusal {
  return new Refusal({ kind: "uncheckable_body", detail });
}
