import { Refusal } from "../../errors.ts";
import type { UpstreamBody } from "../transport.ts";
import { type BodyPolicy, untouched } from "./body-policy.ts";
import type { Format } from "./format.ts";
import { promptEdits } from "./prompts.ts";
import type { ScannedBody } from "./read-body.ts";
import { type Member, type Scanned, type Sought, sought } from "./json-member.ts";
import { createJsonScanner } from "./json-scanner.ts";

/** Replaces the bytes from `start` up to `end`. */
export type Edit = { readonly start: number; readonly end: number; readonly text: string };

export type Plan = {
  readonly edits: readonly Edit[];
  /** The model the caller named. */
  readonly modelRequested: string | undefined;
  readonly modelSent: string;
  readonly stream: boolean;
  /** The caller did not ask for usage and is not to see it. */
  readonly hideUsage: boolean;
};

/** Members of the body that the plan is made from. */
export function wantedMembers(
  format: Format,
  policies: readonly BodyPolicy[] = [],
): readonly Sought[] {
  const prompted = policies.some(
    ({ prompts }) => prompts.prepend.length + prompts.append.length > 0,
  );
  return sought(
    ["model", "stream", "stream_options", ...(prompted ? [format.required, "system"] : [])],
    [
      format.required,
      ...policies.flatMap(({ defaults, overrides }) => [...defaults.keys(), ...overrides.keys()]),
    ],
  );
}

/** What is known of the model besides the body. */
export type ModelInPath = {
  /** The deployment that the caller's path names: Azure serves it, whatever the body says. */
  readonly deployment: string | undefined;
  /** Whether the path sent names the model, so that the body need not. */
  readonly sent: boolean;
};

const notInPath: ModelInPath = { deployment: undefined, sent: false };

/**
 * What to change in a request body so that it names the model to use and asks for its usage.
 * Everything else stays as the caller wrote it, to the byte.
 *
 * @param override the backend's own model; the caller's is used where it is undefined
 */
export function planRewrite(
  scanned: Scanned,
  format: Format,
  override: string | undefined,
  policy: BodyPolicy = untouched,
  inPath: ModelInPath = notInPath,
): Plan {
  if (scanned.root === "other") throw new Refusal({ kind: "not_an_object" });
  const { overrides, defaults } = policy;
  const written = lastOfEach(scanned, format.required);
  const effective = (key: string, text: string | undefined) =>
    overrides.get(key) ?? text ?? defaults.get(key);
  if (!written.required) throw new Refusal({ kind: "missing_field", field: format.required });
  const inBody = stringOf(written.model?.text);
  const modelRequested =
    stringOf(overrides.get("model")) ??
    inPath.deployment ??
    inBody ??
    stringOf(defaults.get("model"));
  const modelSent =
    override ?? (modelRequested === undefined ? undefined : policy.modelFor(modelRequested));
  if (modelSent === undefined) {
    throw new Refusal(
      written.model === undefined
        ? { kind: "missing_field", field: "model" }
        : { kind: "wrong_field", field: "model", expected: "a string" },
    );
  }
  // A check made of one of them, and a backend that takes the other, would disagree.
  if (override === undefined && written.models > 1 && !saysOneModel(scanned)) {
    throw new Refusal({ kind: "wrong_field", field: "model", expected: "one value" });
  }
  const edits: Edit[] = [];
  if (override !== undefined || (modelSent !== inBody && !inPath.sent)) {
    const text = JSON.stringify(modelSent);
    // Which of several a backend would take is not ours to guess: all say the same.
    for (const { key, start, end } of scanned.members) {
      if (key === "model") edits.push({ start, end, text });
    }
    if (written.model === undefined) edits.push(insert(scanned.inside, `"model":${text},`));
  }
  if (policy !== untouched) {
    edits.push(...memberEdits(scanned, policy), ...promptEdits(scanned, format, policy.prompts));
  }
  const stream = effective("stream", written.stream?.text) === "true";
  const optionsSaid = overrides.has("stream_options") || defaults.has("stream_options");
  const usage =
    stream && format.usageOnRequest && !optionsSaid
      ? askForUsage(scanned, written.options)
      : undefined;
  if (usage !== undefined) edits.push(usage);
  if (edits.length > 1) edits.sort((a, b) => a.start - b.start);
  return { edits, modelRequested, modelSent, stream, hideUsage: usage !== undefined };
}

type Written = {
  required: boolean;
  models: number;
  model: Member | undefined;
  stream: Member | undefined;
  options: Member | undefined;
};

/** Of a member written more than once the last counts, as for most parsers. */
function lastOfEach({ members }: Scanned, required: string): Written {
  const written: Written = {
    required: false,
    models: 0,
    model: undefined,
    stream: undefined,
    options: undefined,
  };
  for (const member of members) {
    const { key } = member;
    if (key === required) written.required = true;
    if (key === "model") {
      written.model = member;
      written.models += 1;
    } else if (key === "stream") written.stream = member;
    else if (key === "stream_options") written.options = member;
  }
  return written;
}

function saysOneModel({ members }: Scanned): boolean {
  const models = members.filter(({ key }) => key === "model");
  return new Set(models.map(({ text }) => stringOf(text))).size === 1;
}

/** Members that the config puts in. The model is settled apart. */
function memberEdits(scanned: Scanned, { defaults, overrides }: BodyPolicy): Edit[] {
  const named = (key: string) => scanned.members.filter((member) => member.key === key);
  const put = ([key, text]: readonly [string, string]): Edit[] => {
    const written = named(key);
    return written.length === 0
      ? [insert(scanned.inside, `${JSON.stringify(key)}:${text},`)]
      : written.map(({ start, end }) => ({ start, end, text }));
  };
  const lacking = [...defaults].filter(([key]) => !overrides.has(key) && named(key).length === 0);
  return [...overrides, ...lacking].filter(([key]) => key !== "model").flatMap(put);
}

const includeUsage = sought(["include_usage"]);

/** The edit that makes a stream tell its usage; undefined when the caller asks for it already. */
function askForUsage(scanned: Scanned, options: Member | undefined): Edit | undefined {
  if (options === undefined) {
    return insert(scanned.inside, '"stream_options":{"include_usage":true},');
  }
  if (options.text === "null") {
    return { start: options.start, end: options.end, text: '{"include_usage":true}' };
  }
  // Longer than any options there are: for the backend to refuse.
  if (options.text === undefined) return undefined;
  const scanner = createJsonScanner(includeUsage);
  scanner.push(Buffer.from(options.text));
  const nested = scanner.end();
  // Not an object: for the backend to refuse.
  if (nested.root === "other") return undefined;
  const asked = nested.members.at(-1);
  if (asked === undefined) {
    const text = `"include_usage":true${nested.empty ? "" : ","}`;
    return insert(options.start + nested.inside, text);
  }
  if (asked.text === "true") return undefined;
  return { start: options.start + asked.start, end: options.start + asked.end, text: "true" };
}

function insert(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

/** The string a member holds; undefined for anything else. */
export function stringOf(text: string | undefined): string | undefined {
  if (text?.startsWith('"') !== true) return undefined;
  return text.includes("\\") ? String(JSON.parse(text)) : text.slice(1, -1);
}

/** Bodies up to this size go out in one piece: one small copy is cheaper than several writes. */
const oneBuffer = 64 * 1024;

/** Applies edits, in order and not overlapping; bytes outside them are shared, not copied. */
export function applyEdits(
  { chunks, length }: Pick<ScannedBody, "chunks" | "length">,
  edits: readonly Edit[],
): UpstreamBody {
  const pieces: Buffer[] = [];
  const add = (piece: Buffer) => {
    if (piece.length > 0) pieces.push(piece);
  };
  let total = length;
  let offset = 0;
  let next = 0;
  for (const chunk of chunks) {
    const end = offset + chunk.length;
    let from = offset;
    for (let edit = edits[next]; edit !== undefined && edit.start < end; edit = edits[next]) {
      if (edit.start >= offset) {
        const text = Buffer.from(edit.text);
        total += text.length - (edit.end - edit.start);
        add(chunk.subarray(from - offset, edit.start - offset));
        add(text);
      }
      from = Math.min(edit.end, end);
      if (edit.end > end) break;
      next += 1;
    }
    add(from === offset ? chunk : chunk.subarray(from - offset));
    offset = end;
  }
  const [only] = pieces;
  const whole = total <= oneBuffer && (only === undefined || pieces.length > 1);
  return {
    kind: "buffers",
    chunks: whole ? [Buffer.concat(pieces, total)] : pieces,
    length: total,
  };
}
