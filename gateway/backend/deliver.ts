import type { IncomingHttpHeaders } from "node:http";
import { Refusal, outcomeOf } from "../errors.ts";
import type { Exchange, Work } from "../request/exchange.ts";
import { applyEdits } from "../request/header-edits.ts";
import { answerable } from "./headers.ts";
import { type DeliveryTimers, type Limits, startTimers } from "./delivery-timers.ts";
import type { Call, Receiver, Transport, UpstreamRequest } from "./transport.ts";

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

/** Who has asked for an answer to be delivered. Hears once how that ended. */
export type Sender = {
  readonly inspect: Inspect;
  settled(how: Delivered): void;
  /** The caller has seen nothing. */
  failed(refusal: Refusal): void;
};

/**
 * Sends a request and streams its answer to the caller, as it arrives and no faster than the caller
 * reads. Fails as long as the caller has seen nothing; an answer that breaks later ends in a broken
 * connection, never in a clean one. Closes the upstream request when the caller goes.
 */
export function deliver(
  exchange: Exchange,
  transport: Transport,
  request: UpstreamRequest,
  sender: Sender,
): void {
  new Delivery(exchange, sender).begin(transport, request);
}

/** An answer on its way from a backend to the caller. */
class Delivery implements Receiver, Limits, Work {
  private readonly exchange: Exchange;
  private readonly sender: Sender;
  private readonly timers: DeliveryTimers;
  private call: Call | undefined = undefined;
  private watch: Watch | undefined = undefined;
  private settled = false;
  private withheld = false;
  /** For the caller to take what it has been sent. */
  private waiting = false;
  private peeking: Peeking | undefined = undefined;
  /** Bytes that are still read of a withheld answer. */
  private left = leftover.bytes;
  private impatience: NodeJS.Timeout | undefined = undefined;

  constructor(exchange: Exchange, sender: Sender) {
    this.exchange = exchange;
    this.sender = sender;
    this.timers = startTimers(exchange, this);
  }

  begin(transport: Transport, request: UpstreamRequest): void {
    this.exchange.work = this;
    this.call = transport.send(request, this);
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    const { record } = this.exchange;
    record.upstreamStatus = status;
    const upstreamId = headers["apim-request-id"] ?? headers["x-request-id"];
    if (typeof upstreamId === "string") record.upstreamRequestId = upstreamId;
    if (status === 101) {
      // Whoever asked for the connection has it, and looks after it from here on.
      this.over();
      this.sender.inspect(status, headers);
      return this.settle("delivered");
    }
    const verdict = this.sender.inspect(status, headers);
    if (typeof verdict === "object" && "peek" in verdict) {
      this.peeking = { verdict, status, headers, chunks: [], bytes: 0 };
    } else this.start(status, headers, verdict);
  }

  data(chunk: Buffer): void {
    if (this.withheld) {
      this.left -= chunk.length;
      if (this.left < 0) this.call?.abort();
      return;
    }
    const { peeking, watch } = this;
    if (peeking !== undefined) {
      peeking.chunks.push(chunk);
      peeking.bytes += chunk.length;
      if (peeking.bytes >= peekable) this.decide(peeking);
      return;
    }
    this.write(watch === undefined ? chunk : watch.data(chunk));
  }

  end(): void {
    if (this.peeking !== undefined) this.decide(this.peeking);
    clearTimeout(this.impatience);
    if (this.withheld) return;
    this.over();
    this.write(this.watch?.end());
    this.exchange.response.end();
    this.settle("delivered");
  }

  fail(refusal: Refusal): void {
    clearTimeout(this.impatience);
    if (this.withheld) return;
    this.over();
    const { response, record } = this.exchange;
    if (!response.headersSent) return this.giveUp(refusal);
    record.outcome = outcomeOf(refusal.reason);
    const lastWords = this.watch?.broken(refusal);
    if (lastWords === undefined) response.destroy();
    else response.write(lastWords, () => response.destroy());
    this.settle({ broken: refusal });
  }

  notBegun(): void {
    this.cut(new Refusal({ kind: "request_timeout" }));
  }

  notEnded(): void {
    this.cut(new Refusal({ kind: "upstream_timeout", phase: "total" }));
  }

  silent(): void {
    if (!this.waiting) this.exchange.response.write(comment);
  }

  abandon(): void {
    this.over();
    this.call?.abort();
    this.giveUp(new Refusal({ kind: "client_closed" }));
  }

  private start(status: number, headers: IncomingHttpHeaders, verdict: Verdict): void {
    if (verdict === "withhold") {
      this.withheld = true;
      this.over();
      this.impatience = setTimeout(() => this.call?.abort(), leftover.milliseconds);
      this.impatience.unref();
      return this.settle("withheld");
    }
    const { response, id, answerEdits } = this.exchange;
    this.watch = verdict;
    this.timers.begun(verdict?.commentable === true);
    const list = answerable(headers, verdict?.edits === true ? "edited" : "as it is");
    list.push("x-request-id", id);
    response.writeHead(status, applyEdits(list, answerEdits));
    // Of unknown length: it may be a while before its first chunk, if that is not here already.
    if (headers["content-length"] === undefined) queueMicrotask(() => this.flush());
  }

  private flush(): void {
    const { response, record } = this.exchange;
    if (record.timeToFirstByte === undefined && !response.writableEnded && !response.destroyed) {
      response.flushHeaders();
    }
  }

  private decide({ verdict, status, headers, chunks }: Peeking): void {
    this.peeking = undefined;
    this.start(status, headers, verdict.peek(Buffer.concat(chunks).toString()));
    for (const chunk of chunks) this.data(chunk);
  }

  private write(bytes: Buffer | undefined): void {
    if (bytes === undefined || bytes.length === 0) return;
    const { response, record } = this.exchange;
    record.timeToFirstByte ??= performance.now();
    record.responseBytes += bytes.length;
    this.timers.heard();
    if (response.write(bytes) || this.waiting) return;
    this.waiting = true;
    this.call?.pause();
    response.once("drain", () => {
      this.waiting = false;
      this.call?.resume();
    });
  }

  private cut(refusal: Refusal): void {
    this.call?.abort();
    this.fail(refusal);
  }

  /** Nobody waits for anything any more. */
  private over(): void {
    this.timers.clear();
    this.exchange.work = undefined;
  }

  private settle(how: Delivered): void {
    if (this.settled) return;
    this.settled = true;
    this.sender.settled(how);
  }

  private giveUp(refusal: Refusal): void {
    if (this.settled) return;
    this.settled = true;
    this.sender.failed(refusal);
  }
}

/** What has come while the verdict is open. */
type Peeking = {
  readonly verdict: Peek;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: Buffer[];
  bytes: number;
};

/** A line that clients of server-sent events pass over (WHATWG HTML, section 9.2.6). */
const comment = ": keep-alive\n\n";
