import type { Request } from "express";
import { Refusal } from "../../errors.ts";
import { InvalidJson, type Scanned, createJsonScanner } from "./json-scanner.ts";

export type ScannedBody = {
  /** As received. */
  readonly chunks: readonly Buffer[];
  readonly length: number;
  readonly scanned: Scanned;
};

/**
 * Reads a JSON request body and finds its members while it arrives.
 * @param limit bytes; more is refused as soon as it is known
 */
export async function readJsonBody(
  request: Request,
  limit: number,
  wanted: ReadonlySet<string>,
): Promise<ScannedBody> {
  refuseUnreadable(request, limit);
  const scanner = createJsonScanner(wanted);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk;
      length += bytes.length;
      if (length > limit) throw new Refusal({ kind: "body_too_large", limit });
      scanner.push(bytes);
      chunks.push(bytes);
    }
    return { chunks, length, scanned: scanner.end() };
  } catch (error) {
    if (error instanceof InvalidJson) {
      throw new Refusal({ kind: "invalid_json", detail: error.message });
    }
    throw request.errored === null ? error : new Refusal({ kind: "client_closed" }, error);
  }
}

/** What can be told from the headers alone. */
function refuseUnreadable({ headers }: Request, limit: number): void {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new Refusal({ kind: "unsupported_content_encoding", got: encoding });
  }
  const type = headers["content-type"];
  if (type !== undefined && !/^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new Refusal({ kind: "unsupported_media_type", got: type });
  }
  if (Number(headers["content-length"] ?? 0) > limit) {
    throw new Refusal({ kind: "body_too_large", limit });
  }
}
