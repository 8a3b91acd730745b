// JSON texts as no serialiser writes them: odd white space, escapes, numbers beyond any type's
// precision, keys given twice. All are valid (RFC 8259).
import * as fc from "fast-check";

const space = fc.oneof(
  { weight: 5, arbitrary: fc.constant("") },
  fc.constantFrom(" ", "\n", "\t", "\r\n", "  \n  "),
);
const character = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(..."abcdmodel{}[]:,0 /".split("")) },
  fc.constantFrom("é", "€", "😀", "\u2028", "\u007f"),
  fc.constantFrom(
    "\\n",
    "\\\\",
    '\\"',
    "\\/",
    "\\b",
    "\\u0041",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud800",
  ),
);
const stringText = fc.array(character, { maxLength: 8 }).map((parts) => `"${parts.join("")}"`);
const numberText = fc.oneof(
  fc.constantFrom(
    "0",
    "-0",
    "1.0",
    "1E5",
    "1e+5",
    "0.10",
    "-1.5e-300",
    "12345678901234567890",
    "1e999",
  ),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);

function spaced(opening: string, items: readonly string[], closing: string, gap: string): string {
  return `${opening}${gap}${items.join(`${gap},${gap}`)}${gap}${closing}`;
}

/** The text of any value. */
export const valueText = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("true", "false", "null"),
    numberText,
    stringText,
    fc
      .tuple(fc.array(tie("value"), { maxLength: 3 }), space)
      .map(([items, gap]) => spaced("[", items, "]", gap)),
    fc
      .tuple(fc.array(fc.tuple(stringText, tie("value")), { maxLength: 3 }), space)
      .map(([items, gap]) =>
        spaced(
          "{",
          items.map(([key, value]) => `${key}${gap}:${gap}${value}`),
          "}",
          gap,
        ),
      ),
  ),
})).value;

/** A member of an object as written: the key with its quotes, and the value. */
export type WrittenMember = { readonly key: string; readonly value: string };

/** The keys that a gateway looks for, spelt in several ways, among others that look like them. */
export const keyText = fc.oneof(
  fc.constantFrom(
    '"model"',
    '"\\u006dodel"',
    '"m\\u006fde\\u006C"',
    '"stream"',
    '"stream_options"',
    '"messages"',
    '"Model"',
    '"model "',
    '"models"',
    '"mode"',
    '""',
  ),
  stringText,
);

export const members = fc.array(fc.record({ key: keyText, value: valueText }), { maxLength: 8 });

/** An object with its members, and the gap around every token of its outermost level. */
export function objectText(list: readonly WrittenMember[], gap: string): string {
  return `${gap}${spaced(
    "{",
    list.map(({ key, value }) => `${key}${gap}:${gap}${value}`),
    "}",
    gap,
  )}${gap}`;
}

export const gap = space;
