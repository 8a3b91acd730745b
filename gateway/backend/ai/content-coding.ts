import { Readable, type Transform, pipeline } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { Refusal } from "../../errors.ts";

/** Undoes a content coding piece by piece, no faster than it is read. */
export type Decode = (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer>;

/** RFC 9110, section 8.4.1; `deflate` is the zlib format. */
const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  br: () => createBrotliDecompress(),
  deflate: () => createInflate(),
};

/** @param written the Content-Encoding header; several codings on top of each other are not undone */
export function decoderOf(written: string | undefined): Decode | "identity" | "unsupported" {
  const encoding = written?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity") return encoding;
  const create = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  return create === undefined ? "unsupported" : (source) => decode(source, create(), encoding);
}

async function* decode(
  source: AsyncIterable<Buffer>,
  decoder: Transform,
  encoding: string,
): AsyncGenerator<Buffer> {
  try {
    // A reader that stops early ends the decoder, and with it the work it has left.
    pipeline(Readable.from(source), decoder, () => undefined);
    for await (const chunk of decoder) {
      const bytes: Buffer = chunk;
      yield bytes;
    }
  } catch (error) {
    throw isFault(error) ? new Refusal({ kind: "undecodable_body", encoding }) : error;
  }
}

/** zlib's and brotli's own complaints about the data. */
function isFault(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^(Z_|ERR__ERROR_)/.test(code);
}
