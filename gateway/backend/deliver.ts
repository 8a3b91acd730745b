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

/** Decides what becomes of an answer when its head is there; `withhold` keeps it from the caller. */
export type Inspect = (
  status: number,
  headers: IncomingHttpHeaders,
) => Watch | "withhold" | undefined;

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
): Promise<"delivered" | "withheld"> {
  const { response, record } = exchange;
  return new Promise((resolve, reject) => {
    let watch: Watch | undefined;
    let withheld = false;
    let waiting = false;
    const call: Call = transport.send(request, { head, data, end, fail });
    const timers = startTimers(exchange, {
      onRequest: () => cut(new Refusal({ kind: "request_timeout" })),
      onTotal: () => cut(new Refusal({ kind: "upstream_timeout", phase: "total" })),
      onSilence: () => void response.write(comment),
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
      const verdict = inspect(status, headers);
      if (verdict === "withhold") {
        // What is left of the answer is read and forgotten, so that its connection can be used again.
        withheld = true;
        timers.clear();
        exchange.abort = undefined;
        resolve("withheld");
        return;
      }
      watch = verdict;
      timers.begun(watch?.commentable === true);
      const list = answerable(
        watch?.edits === true ? { ...headers, "content-length": undefined } : headers,
      );
      list.push("x-request-id", exchange.id);
      response.writeHead(status, [...applyEdits(list, exchange.answerEdits)]);
      // Of unknown length: it may be a while before its first chunk.
      if (headers["content-length"] === undefined) response.flushHeaders();
    }

    function data(chunk: Buffer): void {
      if (withheld) return;
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
      if (withheld) return;
      timers.clear();
      exchange.abort = undefined;
      write(watch?.end());
      response.end();
      resolve("delivered");
    }

    function fail(refusal: Refusal): void {
      if (withheld) return;
      timers.clear();
      exchange.abort = undefined;
      if (!response.headersSent) return reject(refusal);
      record.outcome = outcomeOf(refusal.reason);
      const lastWords = watch?.broken(refusal);
      if (lastWords === undefined) response.destroy();
      else response.write(lastWords, () => response.destroy());
      resolve("delivered");
    }
  });
}

/** A line that clients of server-sent events pass over (WHATWG HTML, section 9.2.6). */
const comment = ": keep-alive\n\n";
