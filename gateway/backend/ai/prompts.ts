import type { PromptMessage } from "../../config/run/backend.ts";
import { Refusal } from "../../errors.ts";
import type { Prompts } from "./body-policy.ts";
import type { Format } from "./format.ts";
import type { Member, Scanned } from "./json-member.ts";
import type { Edit } from "./rewrite.ts";

/** The edits that put a config's prompts before and after what the caller wrote. */
export function promptEdits(scanned: Scanned, format: Format, prompts: Prompts): Edit[] {
  if (prompts.prepend.length + prompts.append.length === 0 || format.prompts === "none") return [];
  if (format.prompts === "anthropic") return anthropicEdits(scanned, format, prompts);
  return listsNamed(scanned, format.required).flatMap((list) => around(list, prompts));
}

/** Anthropic's API takes what its other messages may not say, the system's, in a member apart. */
function anthropicEdits(scanned: Scanned, format: Format, { prepend, append }: Prompts): Edit[] {
  const system = [...prepend, ...append].filter((message) => !isSaid(message));
  const edits = listsNamed(scanned, format.required).flatMap((list) =>
    around(list, { prepend: prepend.filter(isSaid), append: append.filter(isSaid) }),
  );
  if (system.length === 0) return edits;
  const text = JSON.stringify(system.map(({ content }) => content).join("\n\n"));
  const written = listsNamed(scanned, "system");
  if (written.length === 0)
    return [...edits, { start: scanned.inside, end: scanned.inside, text: `"system":${text},` }];
  return [
    ...edits,
    ...written.map(({ start, text: value }) =>
      value?.startsWith("[") === true
        ? at(start + 1, `{"type":"text","text":${text}}${isEmptyList(value) ? "" : ","}`)
        : at(start + 1, `${text.slice(1, -1)}\\n\\n`),
    ),
  ];
}

function around({ start, end, text }: Member, { prepend, append }: Prompts): Edit[] {
  const before = prepend.map((message) => JSON.stringify(message)).join(",");
  const after = append.map((message) => JSON.stringify(message)).join(",");
  if (text?.startsWith('"') === true) {
    // A Responses input in short: one message of the user's.
    return [
      at(start, `[${before}${commaUnless(before === "")}{"role":"user","content":`),
      at(end, `}${commaUnless(after === "")}${after}]`),
    ];
  }
  const empty = text !== undefined && isEmptyList(text);
  return [
    ...(before === "" ? [] : [at(start + 1, before + commaUnless(empty && after === ""))]),
    ...(after === "" ? [] : [at(end - 1, commaUnless(empty) + after)]),
  ];
}

/** A value that is neither a list nor a text is not one to put prompts into. */
function listsNamed({ members }: Scanned, key: string): readonly Member[] {
  const named = members.filter((member) => member.key === key);
  // One that is too long to be kept is a list or a text, or the backend's to refuse.
  const wrong = named.some(({ text }) => text !== undefined && !/^["[]/.test(text));
  if (wrong) throw new Refusal({ kind: "wrong_field", field: key, expected: "a list" });
  return named;
}

/** What stands among the messages. */
function isSaid({ role }: PromptMessage): boolean {
  return role !== "system";
}

function commaUnless(alone: boolean): string {
  return alone ? "" : ",";
}

function isEmptyList(text: string): boolean {
  return /^\[\s*\]$/.test(text);
}

function at(place: number, text: string): Edit {
  return { start: place, end: place, text };
}
