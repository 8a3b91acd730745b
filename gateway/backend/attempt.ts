import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import type { RunningBackend } from "./backend.ts";
import { type Delivered, type Peek, type Sender, type Verdict, deliver } from "./deliver.ts";
import type { HeaderList } from "./headers.ts";
import { type UpstreamBody, type UpstreamRequest, isReplayable } from "./transport.ts";

/** A request as one backend is to see it. */
export type Try = {
  readonly body: UpstreamBody;
  request(credential: HeaderList): UpstreamRequest;
  inspect(status: number, headers: IncomingHttpHeaders): Verdict;
};

/** Who wants a backend tried. */
export type Trier = {
  readonly inspect: Sender["inspect"];
  settled(how: Delivered): void;
  /** The caller has seen nothing. */
  failed(error: unknown): void;
};

/** For the log. */
export const unreplayable = "the request body cannot be sent again";
/** Milliseconds within which a reset means that the kept-alive connection had gone stale. */
const staleWithin = 1_000;

/**
 * Sends a request with the backend's credential and delivers the answer. Tries once more when the
 * backend refuses the token (with another token), and once when a kept-alive connection
 * turns out to be closed; both only while the body can be sent again and the caller has seen
 * nothing. Nothing is sent without the credential.
 */
export function attempt(
  exchange: Exchange,
  backend: RunningBackend,
  sent: Try,
  trier: Trier,
): void {
  new Attempt(exchange, backend, sent, trier).begin();
}

class Attempt implements Sender {
  private readonly exchange: Exchange;
  private readonly backend: RunningBackend;
  private readonly sent: Try;
  private readonly trier: Trier;
  private credential: HeaderList = [];
  private refused: HeaderList | undefined = undefined;
  /** The answer was withheld, and another token is to be had. */
  private renewing = false;
  private mayReconnect = true;
  private sentAt = 0;

  constructor(exchange: Exchange, backend: RunningBackend, sent: Try, trier: Trier) {
    this.exchange = exchange;
    this.backend = backend;
    this.sent = sent;
    this.trier = trier;
  }

  begin(): void {
    try {
      const presented = this.backend.credential.present(this.exchange, this.refused);
      if (!(presented instanceof Promise)) return this.send(presented);
      presented
        .then((credential) => this.send(credential))
        .catch((error: unknown) => this.trier.failed(error));
    } catch (error) {
      this.trier.failed(error);
    }
  }

  inspect(status: number, headers: IncomingHttpHeaders): Verdict | Peek {
    const first = status === 401 && this.refused === undefined;
    // Asked for also when this request cannot be sent again: the next one profits.
    if (!first || !this.backend.credential.rejected(this.credential)) {
      return this.trier.inspect(status, headers);
    }
    if (!isReplayable(this.sent.body)) {
      this.exchange.record.notRetried = unreplayable;
      return this.trier.inspect(status, headers);
    }
    this.refused = this.credential;
    this.renewing = true;
    return "withhold";
  }

  settled(how: Delivered): void {
    if (!this.renewing) return this.trier.settled(how);
    this.renewing = false;
    this.again();
  }

  failed(refusal: Refusal): void {
    const { reason } = refusal;
    const stale =
      reason.kind === "upstream_reset" &&
      reason.reused === true &&
      performance.now() - this.sentAt < staleWithin;
    if (!stale || !this.mayReconnect || !isReplayable(this.sent.body)) {
      return this.trier.failed(refusal);
    }
    this.mayReconnect = false;
    this.again();
  }

  /** Once the transport has done with the connection that it is just telling of. */
  private again(): void {
    queueMicrotask(() => this.begin());
  }

  private send(credential: HeaderList): void {
    const { exchange, backend, sent } = this;
    if (exchange.closed) throw new Refusal({ kind: "client_closed" });
    exchange.record.attempts += 1;
    this.credential = credential;
    this.sentAt = performance.now();
    deliver(exchange, backend.transport, sent.request(credential), this);
  }
}
