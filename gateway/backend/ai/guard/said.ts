import { Refusal } from "../../../errors.ts";
import { isRecord } from "../../../config/written/object.ts";

/**
 * Whose words a text is, as Prompt Shields tell them apart: those of the user, who may attack; those
 * of a document or a tool, in which an attack may hide; and those of the application and the model.
 */
export type Voice = "user" | "document" | "other";

export type Said = { readonly voice: Voice; readonly text: string };

/**
 * Members of a request's body that the model is told, by the format's name. What is not here is not
 * checked: from embeddings and from counted tokens nothing is generated.
 */
const told: Readonly<Record<string, readonly (readonly [member: string, voice: Voice])[]>> = {
  completions: [["messages", "user"]],
  text_completions: [
    ["prompt", "user"],
    ["suffix", "other"],
  ],
  responses: [
    ["instructions", "other"],
    ["input", "user"],
    // Variables of a stored prompt.
    ["prompt", "user"],
  ],
  messages: [
    ["system", "other"],
    ["messages", "user"],
  ],
  images: [["prompt", "user"]],
  speech: [
    ["instructions", "other"],
    ["input", "user"],
  ],
};

/** Members of an answer's body that hold what was generated. */
const generated: Readonly<Record<string, readonly string[]>> = {
  completions: ["choices"],
  text_completions: ["choices"],
  responses: ["output"],
  messages: ["content"],
  transcriptions: ["text"],
  translations: ["text"],
};

/** What is neither read by a model nor by a person: kinds, ids, addresses, encoded bytes. */
const noProse: ReadonlySet<string> = new Set([
  "type",
  "role",
  "id",
  "call_id",
  "tool_call_id",
  "tool_use_id",
  "item_id",
  "file_id",
  "status",
  "detail",
  "format",
  "media_type",
  "cache_control",
  "url",
  "image_url",
  "file_url",
  "file_data",
  "b64_json",
  "signature",
  "encrypted_content",
  "finish_reason",
  "logprobs",
  "content_filter_results",
]);
const nothing: ReadonlySet<string> = new Set();

const byRole: Readonly<Record<string, Voice>> = {
  user: "user",
  tool: "document",
  function: "document",
  assistant: "other",
  system: "other",
  developer: "other",
};

export function isTold(format: string): boolean {
  return Object.hasOwn(told, format);
}

export function isGenerated(format: string): boolean {
  return Object.hasOwn(generated, format);
}

/** What a request tells the model. Throws `uncheckable_body` for what is not told in words. */
export function saidToModel(format: string, body: unknown): readonly Said[] {
  const said: Said[] = [];
  for (const [member, voice] of told[format] ?? []) {
    const value = isRecord(body) ? body[member] : undefined;
    if (member === "prompt") requireWords(value);
    gather(value, voice, noProse, said);
  }
  return said;
}

/** What a model says. */
export function saidByModel(format: string, body: unknown): readonly Said[] {
  const said: Said[] = [];
  for (const member of generated[format] ?? []) {
    gather(isRecord(body) ? body[member] : undefined, "other", noProse, said);
  }
  return said;
}

/** Every text in a value, but for members that hold no prose; a body is at most 512 levels deep. */
function gather(value: unknown, voice: Voice, skipped: ReadonlySet<string>, said: Said[]): void {
  if (typeof value === "string") {
    if (value !== "") said.push({ voice, text: value });
  } else if (Array.isArray(value)) {
    for (const item of value) gather(item, voice, skipped, said);
  } else if (isRecord(value)) {
    const own = voiceOf(value) ?? voice;
    for (const [key, item] of Object.entries(value)) {
      if (skipped.has(key) || isBytes(key, value)) continue;
      // A tool's input has members of any name.
      gather(item, own, key === "input" && isToolUse(value) ? nothing : skipped, said);
    }
  }
}

/** Whose words an object holds, where it says so itself. */
function voiceOf({ role, type }: Record<string, unknown>): Voice | undefined {
  if (typeof role === "string") return Object.hasOwn(byRole, role) ? byRole[role] : "user";
  if (typeof type !== "string") return undefined;
  // A call of a tool on the server's side holds what came of it.
  if (/_(?:output|result|call)$|^document$/.test(type)) return "document";
  return type === "reasoning" ? "other" : undefined;
}

function isToolUse({ type }: Record<string, unknown>): boolean {
  return typeof type === "string" && /(?:^|_)tool_use$/.test(type);
}

/** Base64, unless the object says that it is text (Anthropic's document source). */
function isBytes(key: string, { type }: Record<string, unknown>): boolean {
  return (
    (key === "data" && type !== "text") || (key === "result" && type === "image_generation_call")
  );
}

/** A completion's prompt may be given in token numbers. */
function requireWords(prompt: unknown): void {
  const list = Array.isArray(prompt) ? prompt.flat() : [];
  if (list.some((item) => typeof item === "number")) {
    throw new Refusal({ kind: "uncheckable_body", detail: "its prompt is given in tokens" });
  }
}
