// A request as it reached a stand-in. The record is live: it exists from the headers on, and its
// body, outcome and times fill in while the exchange goes on.
import { createHash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { TokenRecord } from "./tokens.ts";

/** "aborted": the peer hung up before the answer ended; "broken": the stand-in did. */
export type Outcome = "answered" | "aborted" | "broken";

export type Received = {
  readonly method: string;
  /** The request target as sent, query included. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  /** Empty when longer than the stand-in keeps; see length and digest then. */
  readonly body: Buffer;
  /** Bytes so far. */
  readonly bodyLength: number;
  /** Hex; empty until the whole body is here. */
  readonly bodySha256: string;
  /** The record of the bearer token, also when it is expired, revoked or for another audience. */
  readonly token: TokenRecord | undefined;
  /** The name in the TLS handshake. */
  readonly servername: string | undefined;
  readonly clientCertificate: { readonly subject: string; readonly trusted: boolean } | undefined;
  /** The client's port: the same for two requests on one connection. */
  readonly clientPort: number | undefined;
  /** Milliseconds since the epoch; undefined until it happens. */
  readonly at: {
    readonly headers: number;
    readonly firstByte: number | undefined;
    readonly body: number | undefined;
    readonly done: number | undefined;
  };
  /** The body of the answer, exactly as written so far; large bodies are only counted. */
  readonly written: Buffer;
  readonly bytesWritten: number;
  readonly outcome: Outcome | undefined;
  readonly aborted: boolean;
  /** Resolves with the whole body; never, when the peer hangs up before that. */
  readonly whenBody: Promise<Buffer>;
  readonly whenDone: Promise<Outcome>;
  /** Resolves only if the peer hangs up. */
  readonly whenAborted: Promise<void>;
};

/** The stand-in's side of a record. */
export type Recording = {
  readonly received: Received;
  /** Aborts as soon as the exchange is over, whoever ended it. */
  readonly signal: AbortSignal;
  /** Reads the body, handing on each piece before it asks for the next. */
  readBody(each?: (piece: Buffer) => Promise<void>): Promise<Buffer>;
  wrote(bytes: Buffer, keep: "kept" | "counted"): void;
  /** To be called before the stand-in cuts the connection itself. */
  breaking(): void;
};

export function record(
  request: IncomingMessage,
  response: ServerResponse,
  token: TokenRecord | undefined,
  keepBytes: number,
): Recording {
  const over = new AbortController();
  const whole = Promise.withResolvers<Buffer>();
  const done = Promise.withResolvers<Outcome>();
  const aborted = Promise.withResolvers<void>();
  const hash = createHash("sha256");
  const written: Buffer[] = [];
  let pieces: Buffer[] = [];
  let body = Buffer.alloc(0);
  let bodyLength = 0;
  let bodySha256 = "";
  let bytesWritten = 0;
  let outcome: Outcome | undefined;
  let broken = false;
  const at: { -readonly [Moment in keyof Received["at"]]: Received["at"][Moment] } = {
    headers: Date.now(),
    firstByte: undefined,
    body: undefined,
    done: undefined,
  };

  response.once("close", () => {
    outcome = broken ? "broken" : response.writableFinished ? "answered" : "aborted";
    at.done = Date.now();
    over.abort();
    done.resolve(outcome);
    if (outcome === "aborted") aborted.resolve();
  });
  // Both only say that the peer left, which the line above records.
  request.on("error", () => {});
  response.on("error", () => {});

  const { socket } = request;
  const received: Received = {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    token,
    servername: servername(socket),
    clientCertificate: clientCertificate(socket),
    clientPort: socket.remotePort,
    at,
    get body() {
      return body;
    },
    get bodyLength() {
      return bodyLength;
    },
    get bodySha256() {
      return bodySha256;
    },
    get written() {
      return Buffer.concat(written);
    },
    get bytesWritten() {
      return bytesWritten;
    },
    get outcome() {
      return outcome;
    },
    get aborted() {
      return outcome === "aborted";
    },
    whenBody: whole.promise,
    whenDone: done.promise,
    whenAborted: aborted.promise,
  };

  return {
    received,
    signal: over.signal,
    async readBody(each) {
      for await (const piece of request) {
        if (!Buffer.isBuffer(piece)) throw new TypeError("a request body is bytes");
        at.firstByte ??= Date.now();
        bodyLength += piece.length;
        hash.update(piece);
        if (bodyLength <= keepBytes) pieces.push(piece);
        else pieces = [];
        await each?.(piece);
      }
      body = Buffer.concat(pieces);
      bodySha256 = hash.digest("hex");
      at.body = Date.now();
      whole.resolve(body);
      return body;
    },
    wrote(bytes, keep) {
      bytesWritten += bytes.length;
      if (keep === "kept") written.push(bytes);
    },
    breaking() {
      broken = true;
    },
  };
}

function servername(socket: unknown): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  // Node sets `servername` on the server's side too; its types do not say so.
  const name: unknown = Reflect.get(socket, "servername");
  return typeof name === "string" ? name : undefined;
}

function clientCertificate(socket: unknown): Received["clientCertificate"] {
  if (!(socket instanceof TLSSocket)) return undefined;
  const subject = socket.getPeerX509Certificate()?.subject;
  return subject === undefined ? undefined : { subject, trusted: socket.authorized };
}
