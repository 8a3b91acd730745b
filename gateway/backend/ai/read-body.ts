import { setImmediate as othersFirst } from "node:timers/promises";
import type { Request } from "express";
import { Refusal } from "../../errors.ts";
import { type Decode, decoderOf } from "./content-coding.ts";
import type { Scanned, Sought } from "./json-member.ts";
import { InvalidJson } from "./invalid-json.ts";
import { type JsonScanner, createJsonScanner } from "./json-scanner.ts";

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
 * Reads a JSON request body and finds its members while it arrives. Throws what the headers alone
 * tell; the promise rejects for the rest.
 * @param limit bytes, of the body as sent and as decoded; more is refused as soon as it is known
 */
export function readJsonBody(
  request: Request,
  limit: number,
  wanted: readonly Sought[],
): Promise<ScannedBody> {
  const decode = refuseUnreadable(request, limit);
  const body = new JsonBody(request, limit, wanted);
  return decode === undefined ? body.read() : body.readDecoded(decode);
}

class JsonBody {
  private readonly request: Request;
  private readonly limit: number;
  private readonly scanner: JsonScanner;
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private turnEnds = atOnce;

  constructor(request: Request, limit: number, wanted: readonly Sought[]) {
    this.request = request;
    this.limit = limit;
    this.scanner = createJsonScanner(wanted);
  }

  /** By events, at a third of what an iterator costs. What is left after a fault stays with the request. */
  read(): Promise<ScannedBody> {
    const { request } = this;
    return new Promise((resolve, reject) => {
      const onData = (chunk: Buffer): void => {
        try {
          if (!this.take(chunk)) return;
          request.pause();
          setImmediate(() => request.resume());
        } catch (error) {
          request.pause();
          request.off("data", onData).off("end", onEnd).off("error", onError);
          reject(this.refusal(error));
        }
      };
      const onEnd = (): void => {
        try {
          resolve(this.whole());
        } catch (error) {
          reject(this.refusal(error));
        }
      };
      const onError = (error: unknown): void => reject(this.refusal(error));
      // After its end a request says nothing more.
      request.on("data", onData).on("end", onEnd).on("error", onError);
    });
  }

  async readDecoded(decode: Decode): Promise<ScannedBody> {
    try {
      const received = this.request.iterator({ destroyOnReturn: false });
      for await (const chunk of decode(limited(received, this.limit))) {
        if (this.take(chunk)) await othersFirst();
      }
      return this.whole();
    } catch (error) {
      throw this.refusal(error);
    }
  }

  /** Whether others should get their turn before the next chunk. */
  private take(bytes: Buffer): boolean {
    this.length += bytes.length;
    if (this.length > this.limit) throw new Refusal({ kind: "body_too_large", limit: this.limit });
    this.scanner.push(bytes);
    this.chunks.push(bytes);
    if (this.length < this.turnEnds) return false;
    this.turnEnds = this.length + atOnce;
    return true;
  }

  private whole(): ScannedBody {
    const { chunks, length } = this;
    return { chunks, length, scanned: this.scanner.end() };
  }

  private refusal(error: unknown): unknown {
    if (error instanceof InvalidJson) {
      return new Refusal({ kind: "invalid_json", detail: error.message });
    }
    return this.request.errored === null ? error : new Refusal({ kind: "client_closed" }, error);
  }
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
