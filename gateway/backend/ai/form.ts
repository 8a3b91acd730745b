import type { Request } from "express";
import { Refusal } from "../../errors.ts";
import type { BodyPolicy } from "./body-policy.ts";
import type { ModelInPath, Plan } from "./rewrite.ts";

/** A multipart form (RFC 7578) as it came, with its prompt and its short text fields found. */
export type Form = {
  readonly chunks: readonly Buffer[];
  readonly length: number;
  readonly fields: readonly Field[];
  /** Offset of the first part, and what stands before each. */
  readonly start: number;
  readonly delimiter: string;
};

export type Field = {
  readonly name: string;
  /** Offsets of the value. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
};

/** Longest field kept besides the prompt, in bytes; a model's name is one, a file is not. */
const maxField = 1024;
/** Headers of a part, in bytes. */
const maxHeaders = 8 * 1024;
/** Parts of a form; Azure's has a dozen fields at most. */
const maxParts = 256;

/**
 * Reads a form body. The model may be named after the file, so all of it is kept.
 * @param limit bytes
 */
export async function readForm(request: Request, limit: number): Promise<Form> {
  const type = request.headers["content-type"] ?? "";
  const boundary = /^multipart\/form-data\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(
    type,
  );
  if (boundary === null) throw new Refusal({ kind: "not_a_form", got: type });
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new Refusal({ kind: "unsupported_content_encoding", got: encoding });
  if (Number(request.headers["content-length"] ?? 0) > limit)
    throw new Refusal({ kind: "body_too_large", limit });
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk;
      length += bytes.length;
      if (length > limit) throw new Refusal({ kind: "body_too_large", limit });
      chunks.push(bytes);
    }
  } catch (error) {
    throw request.errored === null ? error : new Refusal({ kind: "client_closed" }, error);
  }
  const body = Buffer.concat(chunks);
  const delimiter = `--${boundary[1] ?? boundary[2] ?? ""}`;
  return {
    chunks: [body],
    length,
    fields: [...fieldsOf(body, delimiter)],
    start: Math.max(0, body.indexOf(delimiter)),
    delimiter,
  };
}

/** Where the gateway would stop looking, a backend might find another model. */
function* fieldsOf(body: Buffer, delimiter: string): Generator<Field> {
  let part = body.indexOf(delimiter);
  for (let count = 0; part !== -1; count += 1) {
    const headersEnd = body.indexOf("\r\n\r\n", part);
    if (headersEnd === -1) return;
    if (count === maxParts || headersEnd - part > maxHeaders)
      throw new Refusal({ kind: "not_a_form", got: "one with so many parts or headers" });
    const start = headersEnd + 4;
    const end = body.indexOf(`\r\n${delimiter}`, headersEnd + 2);
    if (end === -1) return;
    const headers = body.toString("latin1", part + delimiter.length, headersEnd);
    const name = /^content-disposition:[^\r\n]*?;\s*name=(?:"([^"]*)"|([^\s;"]+))/im.exec(headers);
    const isFile = /;\s*filename\*?=/i.test(headers);
    const called = name?.[1] ?? name?.[2] ?? "";
    const kept = end - start <= maxField || called === "prompt";
    if (name !== null && !isFile && end >= start && kept) {
      yield { name: called, start, end, text: body.toString("utf8", start, end) };
    }
    part = end + 2;
  }
}

/** What to change in a form so that it names the model to use. */
export function planForm(
  { fields, start, delimiter }: Form,
  override: string | undefined,
  { modelFor }: BodyPolicy,
  inPath: ModelInPath,
): Plan {
  const models = fields.filter(({ name }) => name === "model");
  const inBody = models.at(-1)?.text;
  const modelRequested = inPath.deployment ?? inBody;
  const modelSent = override ?? (modelRequested && modelFor(modelRequested));
  if (modelSent === undefined || modelSent === "")
    throw new Refusal({ kind: "missing_field", field: "model" });
  const wrong = models.filter(({ text }) => text !== modelSent);
  const edits = wrong.map((field) => ({ start: field.start, end: field.end, text: modelSent }));
  if (models.length === 0 && !inPath.sent) {
    const text = `${delimiter}\r\ncontent-disposition: form-data; name="model"\r\n\r\n${modelSent}\r\n`;
    edits.push({ start, end: start, text });
  }
  const stream = fields.findLast(({ name }) => name === "stream")?.text === "true";
  return { edits, modelRequested, modelSent, stream, hideUsage: false };
}
