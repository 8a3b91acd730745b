import type { IncomingHttpHeaders } from "node:http";
import { Refusal, outcomeOf } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import { applyEdits } from "../request/header-edits.ts";
import { answerable } from "./headers.ts";
import { startTimers } from "./delivery-timers.ts";
import type { Call, Transport, UpstreamRequest } from "./transport.ts";

/** Sees an answer's bytes on their way to the caller. */
export type Watch = {
  /** Whether what goes out may differ from what came in, so that its length is not known. */
  readonly edits: boolean;
  /** Whether what is passed on always ends between events, where a comment may stand. */
  readonly commentable: boolean;
  /** What to pass on now, of this chunk and those held back. */
  data(chunk: Buffer): Buffer | undefined;
  /** The answer is whole: what is left to pass on. */
  end(): Buffer | undefined;
  /** The answer broke off: last words to the caller, in the answer's own format. */
  broken(refusal: Refusal): Buffer | undefined;
};

/** `withhold` keeps the answer from the caller. */
export type Verdict = Watch | "withhold" | undefined;

/** The verdict needs the beginning of the body, at most `peekable` bytes of it. */
export type Peek = { peek(text: string): Verdict };

/** Decides what becomes of an answer when its head is there. */
export type Inspect = (status: number, headers: IncomingHttpHeaders) => Verdict | Peek;

/** `broken`: the caller has seen that the answer broke off. */
export type Delivered = "delivered" | "withheld" | { readonly broken: Refusal };

/** Bytes. */
const peekable = 64 * 1024;
/** What is left of a withheld answer is read, for its connection's sake, up to so much and so long. */
const leftover = { bytes: 64 * 1024, milliseconds: 1_000 };

/**
 * Sends a request and streams its answer to the caller, as it arrives and no faster than the caller
 * reads. Rejects with a Refusal as long as the caller has seen nothing; an answer that breaks later
 * ends in a broken connection, never in a clean one. Closes the upstream request when the caller
 * goes.
 */
export function deliver(
  exchange: Exchange,
  transport: Transport,
  request: UpstreamRequest,
  inspect: Inspect,
): Promise<Delivered> {
  const { response, record } = exchange;
  return new Promise((resolve, reject) => {
    let watch: Watch | undefined;
    let withheld = false;
    let waiting = false;
    /** What has come while the verdict is open. */
    let peeking: { chunks: Buffer[]; bytes: number; decide(): void } | undefined;
    let left = leftover.bytes;
    let impatience: NodeJS.Timeout | undefined;
    const call: Call = transport.send(request, { head, data, end, fail });
    const timers = startTimers(exchange, {
      onRequest: () => cut(new Refusal({ kind: "request_timeout" })),
      onTotal: () => cut(new Refusal({ kind: "upstream_timeout", phase: "total" })),
      onSilence: () => void (waiting || response.write(comment)),
    });
    exchange.abort = () => {
      timers.clear();
      call.abort();
      reject(new Refusal({ kind: "client_closed" }));
    };

    function cut(refusal: Refusal): void {
      call.abort();
      fail(refusal);
    }

    function head(status: number, headers: IncomingHttpHeaders): void {
      record.upstreamStatus = status;
      const upstreamId = headers["apim-request-id"] ?? headers["x-request-id"];
      if (typeof upstreamId === "string") record.upstreamRequestId = upstreamId;
      if (status === 101) {
        // Whoever asked for the connection has it, and looks after it from here on.
        timers.clear();
        exchange.abort = undefined;
        inspect(status, headers);
        return resolve("delivered");
      }
      const verdict = inspect(status, headers);
      if (typeof verdict !== "object" || !("peek" in verdict)) {
        return begin(status, headers, verdict);
      }
      const chunks: Buffer[] = [];
      const decide = () => {
        peeking = undefined;
        begin(status, headers, verdict.peek(Buffer.concat(chunks).toString()));
        for (const chunk of chunks) data(chunk);
      };
      peeking = { chunks, bytes: 0, decide };
    }

    function begin(status: number, headers: IncomingHttpHeaders, verdict: Verdict): void {
      if (verdict === "withhold") {
        withheld = true;
        timers.clear();
        exchange.abort = undefined;
        impatience = setTimeout(() => call.abort(), leftover.milliseconds);
        impatience.unref();
        resolve("withheld");
        return;
      }
      watch = verdict;
      timers.begun(watch?.commentable === true);
      const list = answerable(headers, watch?.edits === true ? "edited" : "as it is");
      list.push("x-request-id", exchange.id);
      response.writeHead(status, applyEdits(list, exchange.answerEdits));
      // Of unknown length: it may be a while before its first chunk.
      if (headers["content-length"] === undefined) response.flushHeaders();
    }

    function data(chunk: Buffer): void {
      if (withheld) {
        left -= chunk.length;
        if (left < 0) call.abort();
        return;
      }
      if (peeking !== undefined) {
        peeking.chunks.push(chunk);
        peeking.bytes += chunk.length;
        if (peeking.bytes >= peekable) peeking.decide();
        return;
      }
      write(watch === undefined ? chunk : watch.data(chunk));
    }

    function write(bytes: Buffer | undefined): void {
      if (bytes === undefined || bytes.length === 0) return;
      record.timeToFirstByte ??= performance.now();
      record.responseBytes += bytes.length;
      timers.heard();
      if (response.write(bytes) || waiting) return;
      waiting = true;
      call.pause();
      response.once("drain", () => {
        waiting = false;
        call.resume();
      });
    }

    function end(): void {
      peeking?.decide();
      clearTimeout(impatience);
      if (withheld) return;
      timers.clear();
      exchange.abort = undefined;
      write(watch?.end());
      response.end();
      resolve("delivered");
    }

    function fail(refusal: Refusal): void {
      clearTimeout(impatience);
      if (withheld) return;
      timers.clear();
      exchange.abort = undefined;
      if (!response.headersSent) return reject(refusal);
      record.outcome = outcomeOf(refusal.reason);
      const lastWords = watch?.broken(refusal);
      if (lastWords === undefined) response.destroy();
      else response.write(lastWords, () => response.destroy());
      resolve({ broken: refusal });
    }
  });
}

/** A line that clients of server-sent events pass over (WHATWG HTML, section 9.2.6). */
const comment = ": keep-alive\n\n";
