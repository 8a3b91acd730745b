import { setImmediate as othersFirst } from "node:timers/promises";
import type { Request } from "express";
import { Refusal } from "../../errors.ts";
import { type Decode, decoderOf } from "./content-coding.ts";
import type { Sought } from "./json-member.ts";
import { InvalidJson } from "./invalid-json.ts";
import { type Scanned, createJsonScanner } from "./json-scanner.ts";

export type ScannedBody = {
  /** As received, without its content coding. */
  readonly chunks: readonly Buffer[];
  readonly length: number;
  readonly scanned: Scanned;
};

/**
 * Bytes scanned before others get their turn. The system hands over megabytes at once, and a body of
 * nothing but structure takes some 40 ms for each.
 */
const atOnce = 128 * 1024;

/**
 * Reads a JSON request body and finds its members while it arrives.
 * @param limit bytes, of the body as sent and as decoded; more is refused as soon as it is known
 */
export async function readJsonBody(
  request: Request,
  limit: number,
  wanted: readonly Sought[],
): Promise<ScannedBody> {
  const decode = refuseUnreadable(request, limit);
  const scanner = createJsonScanner(wanted);
  const chunks: Buffer[] = [];
  let length = 0;
  let turnEnds = atOnce;
  /** Whether others should get their turn before the next chunk. */
  const take = (bytes: Buffer): boolean => {
    length += bytes.length;
    if (length > limit) throw new Refusal({ kind: "body_too_large", limit });
    scanner.push(bytes);
    chunks.push(bytes);
    if (length < turnEnds) return false;
    turnEnds = length + atOnce;
    return true;
  };
  try {
    if (decode === undefined) await eachChunk(request, take);
    else {
      const received = request.iterator({ destroyOnReturn: false });
      for await (const chunk of decode(limited(received, limit))) {
        if (take(chunk)) await othersFirst();
      }
    }
    return { chunks, length, scanned: scanner.end() };
  } catch (error) {
    if (error instanceof InvalidJson) {
      throw new Refusal({ kind: "invalid_json", detail: error.message });
    }
    throw request.errored === null ? error : new Refusal({ kind: "client_closed" }, error);
  }
}

/**
 * Hands each chunk of a request to `take` as it comes; by events, at a third of what an iterator
 * costs. What is left when `take` throws stays with the request.
 */
function eachChunk(request: Request, take: (chunk: Buffer) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      try {
        if (!take(chunk)) return;
        request.pause();
        setImmediate(() => request.resume());
      } catch (error) {
        request.pause();
        request.off("data", onData).off("end", resolve).off("error", reject);
        reject(error);
      }
    };
    // After its end a request says nothing more.
    request.on("data", onData).on("end", resolve).on("error", reject);
  });
}

/** What is sent must not be without end either, where nothing comes out of it. */
async function* limited(source: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const bytes of source) {
    length += bytes.length;
    if (length > limit) throw new Refusal({ kind: "body_too_large", limit });
    yield bytes;
  }
}

/** What can be told from the headers alone. */
function refuseUnreadable({ headers }: Request, limit: number): Decode | undefined {
  const encoding = headers["content-encoding"];
  const decode = decoderOf(encoding);
  if (decode === "unsupported") {
    throw new Refusal({ kind: "unsupported_content_encoding", got: encoding ?? "" });
  }
  const type = headers["content-type"];
  if (type !== undefined && !/^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new Refusal({ kind: "unsupported_media_type", got: type });
  }
  if (Number(headers["content-length"] ?? 0) > limit) {
    throw new Refusal({ kind: "body_too_large", limit });
  }
  return decode === "identity" ? undefined : decode;
}
