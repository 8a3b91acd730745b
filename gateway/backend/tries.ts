import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../clock.ts";
import type { Retry } from "../config/run/policies.ts";
import { Refusal } from "../errors.ts";
import type { FailedTry } from "../request/access-record.ts";
import type { Exchange } from "../request/exchange.ts";
import { type Affinity, isForeign } from "./affinity.ts";
import { type Trier, type Try, attempt, unreplayable } from "./attempt.ts";
import type { RunningBackend } from "./backend.ts";
import { inOrder } from "./candidates.ts";
import type { Delivered, Peek, Verdict } from "./deliver.ts";
import {
  type Next,
  type Turns,
  allLimitedUntil,
  askEveryone,
  createTurns,
  isRetryable,
  isWorthAnother,
} from "./retry.ts";
import { isReplayable } from "./transport.ts";

export type Trying<B extends RunningBackend = RunningBackend> = {
  readonly backends: readonly B[];
  readonly retry: Retry;
  readonly affinity: Affinity;
  readonly clock: Clock;
  readonly random: () => number;
};

/**
 * Sends a request to one backend after the other until one answers well, before the caller has seen
 * a byte. The answer of the last is the caller's, whatever it is, unless all of them have said how
 * long they are to be left alone: then the caller is told the earliest.
 *
 * @param backends those of the route that may serve this request
 * @param owned an id that only the backend that made it knows
 */
export function tryInTurn<B extends RunningBackend>(
  exchange: Exchange,
  trying: Trying<B>,
  backends: readonly B[],
  owned: string | undefined,
  prepare: (backend: B) => Try,
): Promise<void> {
  return new Promise((resolve, reject) => {
    new Tries(exchange, trying, backends, owned, prepare, resolve, reject).begin();
  });
}

class Tries<B extends RunningBackend> implements Trier {
  private readonly exchange: Exchange;
  private readonly trying: Trying<B>;
  private readonly owned: string | undefined;
  private readonly prepare: (backend: B) => Try;
  private readonly done: () => void;
  private readonly fail: (error: unknown) => void;
  private readonly candidates: readonly B[];
  /** Several may be known by one host: projects of an account, which share nothing. */
  private readonly searching: boolean;
  private readonly turns: Turns<B>;
  /** While searching: one that may be the owner has not said. */
  private doubt = false;
  // Of the try under way.
  private backend: B | undefined = undefined;
  private sent: Try | undefined = undefined;
  private next: Next<B> | undefined = undefined;
  /** What the caller gets instead of the backend's answer. */
  private instead: Refusal | undefined = undefined;
  private sound = false;

  constructor(
    exchange: Exchange,
    trying: Trying<B>,
    backends: readonly B[],
    owned: string | undefined,
    prepare: (backend: B) => Try,
    done: () => void,
    fail: (error: unknown) => void,
  ) {
    const { affinity, clock, random, retry } = trying;
    this.exchange = exchange;
    this.trying = trying;
    this.owned = owned;
    this.prepare = prepare;
    this.done = done;
    this.fail = fail;
    const ordered = inOrder(backends, random);
    const owner = owned === undefined ? undefined : affinity.ownerOf(owned);
    const known = owner === undefined ? [] : ordered.filter(({ origin }) => origin === owner);
    this.candidates = known.length > 0 ? known : ordered;
    this.searching = owned !== undefined && this.candidates.length > 1;
    this.turns = this.searching
      ? askEveryone(this.candidates, clock.now())
      : createTurns(this.candidates, retry, random);
  }

  begin(): void {
    const turn = this.turns.next(this.trying.clock.now());
    if (turn === undefined) throw this.limited() ?? new Refusal({ kind: "internal" });
    this.take(turn);
  }

  inspect(status: number, headers: IncomingHttpHeaders): Verdict | Peek {
    const { backend } = this;
    const { clock, retry } = this.trying;
    const name = backend?.name ?? "";
    this.sound = backend?.health.answered(status, headers, clock.now()) === "sound";
    if (this.searching && (status === 400 || status === 404)) {
      return {
        peek: (text) =>
          isForeign(status, text) && this.moveOn({ backend: name, status })
            ? "withhold"
            : this.deliver(status, headers),
      };
    }
    if (!isRetryable(status, retry.codes)) return this.deliver(status, headers);
    this.doubt = true;
    return this.moveOn({ backend: name, status }) ? "withhold" : this.deliver(status, headers);
  }

  settled(how: Delivered): void {
    const { backend } = this;
    if (how === "withheld") return this.goOn(undefined);
    if (how === "delivered" && this.sound) backend?.health.served();
    if (typeof how === "object" && isWorthAnother(how.broken.reason)) {
      backend?.health.failed(this.trying.clock.now());
    }
    this.done();
  }

  failed(error: unknown): void {
    const { backend } = this;
    if (backend === undefined || !(error instanceof Refusal) || !isWorthAnother(error.reason)) {
      return this.fail(error);
    }
    backend.health.failed(this.trying.clock.now());
    this.doubt = true;
    if (this.moveOn({ backend: backend.name, reason: error.reason.kind })) this.goOn(error);
    else this.fail(error);
  }

  private take({ backend, wait }: Next<B>): void {
    if (wait > 0) setTimeout(() => this.guardedly(() => this.send(backend)), wait).unref();
    else this.send(backend);
  }

  private send(backend: B): void {
    const { exchange } = this;
    if (exchange.closed) throw new Refusal({ kind: "client_closed" });
    exchange.record.backend = backend.name;
    exchange.record.upstreamStatus = undefined;
    this.backend = backend;
    this.sent = this.prepare(backend);
    this.next = undefined;
    this.instead = undefined;
    this.sound = false;
    attempt(exchange, backend, this.sent, this);
  }

  /** Goes on to the next backend, once the transport has done with the one before it. */
  private goOn(cause: unknown): void {
    const { next, instead } = this;
    if (next === undefined) return this.fail(instead ?? cause ?? new Refusal({ kind: "internal" }));
    queueMicrotask(() => this.guardedly(() => this.take(next)));
  }

  private guardedly(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  private deliver(status: number, headers: IncomingHttpHeaders): Verdict {
    const { owned, backend } = this;
    if (owned !== undefined && backend !== undefined && status < 300) {
      this.trying.affinity.remember(owned, backend.origin);
    }
    return this.sent?.inspect(status, headers);
  }

  /** Decides, once for each try that failed, whether its answer is kept from the caller. */
  private moveOn(failure: FailedTry): boolean {
    const { exchange, sent, searching } = this;
    const { record } = exchange;
    let next = this.turns.next(this.trying.clock.now());
    if (next !== undefined && sent !== undefined && !isReplayable(sent.body)) {
      record.notRetried = unreplayable;
      next = undefined;
    } else if (next !== undefined && next.wait >= timeLeft(exchange)) next = undefined;
    if (next === undefined && "status" in failure && !searching) {
      if (failure.status === 429) this.instead = this.limited();
    } else if (next === undefined && this.doubt && "status" in failure && failure.status < 429) {
      this.instead = new Refusal({ kind: "owner_unavailable" });
    }
    if (next !== undefined) (record.tries ??= []).push(failure);
    this.next = next;
    return next !== undefined || this.instead !== undefined;
  }

  private limited(): Refusal | undefined {
    const now = this.trying.clock.now();
    const until = allLimitedUntil(this.candidates, now);
    if (until === undefined) return undefined;
    return new Refusal({
      kind: "backends_limited",
      retryAfter: Math.max(1, Math.ceil((until - now) / 1000)),
    });
  }
}

/** Milliseconds until the answer must have begun. */
function timeLeft({ arrived, timeouts }: Exchange): number {
  const limit = Math.min(timeouts.request ?? Infinity, timeouts.total ?? Infinity);
  return arrived + limit - performance.now();
}
