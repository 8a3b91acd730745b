import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Retry } from "../config/run/policies.ts";
import { Refusal } from "../errors.ts";
import type { FailedTry } from "../request/access-record.ts";
import type { Exchange } from "../request/exchange.ts";
import { type Affinity, isForeign } from "./affinity.ts";
import { attempt, unreplayable } from "./attempt.ts";
import type { RunningBackend } from "./backend.ts";
import { inOrder } from "./candidates.ts";
import type { Inspect, Verdict } from "./deliver.ts";
import type { HeaderList } from "./headers.ts";
import {
  type Next,
  allLimitedUntil,
  askEveryone,
  createTurns,
  isRetryable,
  isWorthAnother,
} from "./retry.ts";
import { type UpstreamBody, type UpstreamRequest, isReplayable } from "./transport.ts";

/** A request as one backend is to see it. */
export type Try = {
  readonly body: UpstreamBody;
  request(credential: HeaderList): UpstreamRequest;
  inspect(...head: Parameters<Inspect>): Verdict;
};

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
export async function tryInTurn<B extends RunningBackend>(
  exchange: Exchange,
  { retry, affinity, clock, random }: Trying<B>,
  backends: readonly B[],
  owned: string | undefined,
  prepare: (backend: B) => Try,
): Promise<void> {
  const { record } = exchange;
  const ordered = inOrder(backends, random);
  const owner = owned === undefined ? undefined : affinity.ownerOf(owned);
  const known = owner === undefined ? [] : ordered.filter(({ origin }) => origin === owner);
  const candidates = known.length > 0 ? known : ordered;
  const searching = owned !== undefined && known.length === 0 && ordered.length > 1;
  const turns = searching
    ? askEveryone(candidates, clock.now())
    : createTurns(candidates, retry, random);
  /** While searching: one that may be the owner has not said. */
  let doubt = false;

  let turn = turns.next(clock.now());
  if (turn === undefined) throw limited() ?? new Refusal({ kind: "internal" });
  for (;;) {
    const { backend, wait } = turn;
    if (wait > 0) await sleep(wait, undefined, { ref: false });
    if (exchange.closed) throw new Refusal({ kind: "client_closed" });
    record.backend = backend.name;
    record.upstreamStatus = undefined;
    const { body, request, inspect } = prepare(backend);
    let next: Next<B> | undefined;
    /** What the caller gets instead of the backend's answer. */
    let instead: Refusal | undefined;
    let sound = false;

    /** Decides, once for each try that failed, whether its answer is kept from the caller. */
    const moveOn = (failure: FailedTry): boolean => {
      next = turns.next(clock.now());
      if (next !== undefined && !isReplayable(body)) {
        record.notRetried = unreplayable;
        next = undefined;
      } else if (next !== undefined && next.wait >= timeLeft(exchange)) next = undefined;
      if (next === undefined && "status" in failure && !searching) {
        if (failure.status === 429) instead = limited();
      } else if (next === undefined && doubt && "status" in failure && failure.status < 429) {
        instead = new Refusal({ kind: "owner_unavailable" });
      }
      if (next !== undefined) (record.tries ??= []).push(failure);
      return next !== undefined || instead !== undefined;
    };
    const judge: Inspect = (status, headers) => {
      sound = backend.health.answered(status, headers, clock.now()) === "sound";
      if (searching && (status === 400 || status === 404)) {
        return {
          peek: (text) =>
            isForeign(status, text) && moveOn({ backend: backend.name, status })
              ? "withhold"
              : deliver(status, headers),
        };
      }
      if (!isRetryable(status, retry.codes)) return deliver(status, headers);
      doubt = true;
      return moveOn({ backend: backend.name, status }) ? "withhold" : deliver(status, headers);
    };
    const deliver = (...[status, headers]: Parameters<Inspect>): Verdict => {
      if (owned !== undefined && status < 300) affinity.remember(owned, backend.origin);
      return inspect(status, headers);
    };

    try {
      const verdict = await attempt(exchange, backend, body, request, judge);
      if (verdict === "delivered" && sound) backend.health.served();
      if (typeof verdict === "object" && isWorthAnother(verdict.broken.reason)) {
        backend.health.failed(clock.now());
      }
      if (verdict !== "withheld") return;
    } catch (error) {
      if (!(error instanceof Refusal) || !isWorthAnother(error.reason)) throw error;
      backend.health.failed(clock.now());
      doubt = true;
      if (!moveOn({ backend: backend.name, reason: error.reason.kind })) throw error;
    }
    if (next === undefined) throw instead ?? new Refusal({ kind: "internal" });
    turn = next;
  }

  function limited(): Refusal | undefined {
    const now = clock.now();
    const until = allLimitedUntil(candidates, now);
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
