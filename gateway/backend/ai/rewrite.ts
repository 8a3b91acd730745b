import { Refusal } from "../../errors.ts";
import type { UpstreamBody } from "../transport.ts";
import { type BodyPolicy, untouched } from "./body-policy.ts";
import type { Format } from "./format.ts";
import { promptEdits } from "./prompts.ts";
import type { ScannedBody } from "./read-body.ts";
import { type Scanned, createJsonScanner } from "./json-scanner.ts";

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
): ReadonlySet<string> {
  return new Set([
    "model",
    "stream",
    "stream_options",
    format.required,
    ...(format.prompts === "anthropic" ? ["system"] : []),
    ...policies.flatMap(({ defaults, overrides }) => [...defaults.keys(), ...overrides.keys()]),
  ]);
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
  const { defaults, overrides } = policy;
  const named = (key: string) => scanned.members.filter((member) => member.key === key);
  const effective = (key: string) =>
    overrides.get(key) ?? named(key).at(-1)?.text ?? defaults.get(key);
  if (named(format.required).length === 0) {
    throw new Refusal({ kind: "missing_field", field: format.required });
  }
  const models = named("model");
  const inBody = stringOf(models.at(-1)?.text);
  const modelRequested =
    stringOf(overrides.get("model")) ??
    inPath.deployment ??
    inBody ??
    stringOf(defaults.get("model"));
  const modelSent =
    override ?? (modelRequested === undefined ? undefined : policy.modelFor(modelRequested));
  if (modelSent === undefined) {
    throw new Refusal(
      models.length === 0
        ? { kind: "missing_field", field: "model" }
        : { kind: "wrong_field", field: "model", expected: "a string" },
    );
  }
  // A check made of one of them, and a backend that takes the other, would disagree.
  if (override === undefined && new Set(models.map(({ text }) => stringOf(text))).size > 1) {
    throw new Refusal({ kind: "wrong_field", field: "model", expected: "one value" });
  }
  const edits: Edit[] = [];
  if (override !== undefined || (modelSent !== inBody && !inPath.sent)) {
    const text = JSON.stringify(modelSent);
    // Which of several a backend would take is not ours to guess: all say the same.
    for (const { start, end } of models) edits.push({ start, end, text });
    if (models.length === 0) edits.push(insert(scanned.inside, `"model":${text},`));
  }
  edits.push(...memberEdits(scanned, policy), ...promptEdits(scanned, format, policy.prompts));
  const stream = effective("stream") === "true";
  const optionsSaid = overrides.has("stream_options") || defaults.has("stream_options");
  const usage = stream && format.usageOnRequest && !optionsSaid ? askForUsage(scanned) : undefined;
  if (usage !== undefined) edits.push(usage);
  return {
    edits: edits.toSorted((a, b) => a.start - b.start),
    modelRequested,
    modelSent,
    stream,
    hideUsage: usage !== undefined,
  };
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

/** The edit that makes a stream tell its usage; undefined when the caller asks for it already. */
function askForUsage(scanned: Scanned): Edit | undefined {
  const options = scanned.members.findLast(({ key }) => key === "stream_options");
  if (options === undefined) {
    return insert(scanned.inside, '"stream_options":{"include_usage":true},');
  }
  if (options.text === "null") {
    return { start: options.start, end: options.end, text: '{"include_usage":true}' };
  }
  // Longer than any options there are: for the backend to refuse.
  if (options.text === undefined) return undefined;
  const scanner = createJsonScanner(new Set(["include_usage"]));
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
  return text?.startsWith('"') === true ? String(JSON.parse(text)) : undefined;
}

/** Bodies up to this size go out in one piece: one small copy is cheaper than several writes. */
const oneBuffer = 64 * 1024;

/** Applies edits, in order and not overlapping; bytes outside them are shared, not copied. */
export function applyEdits(
  { chunks, length }: Pick<ScannedBody, "chunks" | "length">,
  edits: readonly Edit[],
): UpstreamBody {
  const out: Buffer[] = [];
  let offset = 0;
  let next = 0;
  for (const chunk of chunks) {
    const end = offset + chunk.length;
    let from = offset;
    for (let edit = edits[next]; edit !== undefined && edit.start < end; edit = edits[next]) {
      if (edit.start >= offset) {
        out.push(chunk.subarray(from - offset, edit.start - offset), Buffer.from(edit.text));
      }
      from = Math.min(edit.end, end);
      if (edit.end > end) break;
      next += 1;
    }
    out.push(chunk.subarray(from - offset));
    offset = end;
  }
  const pieces = out.filter((piece) => piece.length > 0);
  const total = edits.reduce(
    (sum, { start, end, text }) => sum + Buffer.byteLength(text) - (end - start),
    length,
  );
  return {
    kind: "buffers",
    chunks: total <= oneBuffer ? [Buffer.concat(pieces)] : pieces,
    length: total,
  };
}
