import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Retry } from "../config/run.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import type { Affinity } from "./affinity.ts";
import { attempt } from "./attempt.ts";
import type { RunningBackend } from "./backend.ts";
import { inOrder } from "./candidates.ts";
import type { Inspect } from "./deliver.ts";
import type { HeaderList } from "./headers.ts";
import { createTurns, isRetryable, isWorthAnother } from "./retry.ts";
import type { UpstreamBody, UpstreamRequest } from "./transport.ts";

/** A request as one backend is to see it. */
export type Try = {
  readonly body: UpstreamBody;
  request(credential: HeaderList): UpstreamRequest;
  readonly inspect: Inspect;
};

export type Trying<B extends RunningBackend = RunningBackend> = {
  readonly backends: readonly B[];
  readonly retry: Retry;
  readonly affinity: Affinity;
  /** An id that only the backend that made it knows. */
  readonly owned: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
};

/**
 * Sends a request to one backend after the other until one answers well, before the caller has seen
 * a byte. The answer of the last is the caller's, whatever it is.
 */
export async function tryInTurn<B extends RunningBackend>(
  exchange: Exchange,
  { backends, retry, affinity, owned, clock, random }: Trying<B>,
  prepare: (backend: B) => Try,
): Promise<void> {
  const { record } = exchange;
  const owner = owned === undefined ? undefined : affinity.backendOf(owned);
  const ordered = inOrder(backends, random);
  const known = ordered.filter(({ name }) => name === owner);
  const turns = createTurns(known.length > 0 ? known : ordered, retry, random);
  const searching = owned !== undefined && known.length === 0;

  let turn = turns.next(clock.now());
  if (turn === undefined) {
    const until = turns.allLimited(clock.now()) ?? clock.now();
    const retryAfter = Math.max(1, Math.ceil((until - clock.now()) / 1000));
    throw new Refusal({ kind: "backends_limited", retryAfter });
  }
  for (;;) {
    const { backend, wait } = turn;
    if (wait > 0) await sleep(wait, undefined, { ref: false });
    if (exchange.closed) throw new Refusal({ kind: "client_closed" });
    record.backend = backend.name;
    const { body, request, inspect } = prepare(backend);
    let next: typeof turn | undefined;
    /** Whether to try another; asked once, when it is known how this one went. */
    const goOn = (worthwhile: boolean): boolean => {
      if (!worthwhile) return false;
      next = turns.next(clock.now());
      if (next === undefined || isReplayable(body)) return next !== undefined;
      record.notRetried = "the request body cannot be sent again";
      next = undefined;
      return false;
    };
    try {
      const verdict = await attempt(exchange, backend, body, request, (status, headers) => {
        backend.health.answered(status, headers, clock.now());
        const elsewhere = searching && (status === 400 || status === 404);
        if (goOn(elsewhere || isRetryable(status, retry.codes))) {
          (record.tries ??= []).push({ backend: backend.name, status });
          return "withhold";
        }
        if (owned !== undefined && status < 400) affinity.remember(owned, backend.name);
        return inspect(status, headers);
      });
      if (verdict === "delivered") return;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { reason } = error;
      const worthwhile = isWorthAnother(reason);
      if (worthwhile) backend.health.failed(clock.now());
      if (!goOn(worthwhile)) throw error;
      (record.tries ??= []).push({ backend: backend.name, reason: reason.kind });
    }
    if (next === undefined) throw new Refusal({ kind: "internal" });
    turn = next;
  }
}

function isReplayable(body: UpstreamBody): boolean {
  return body.kind !== "stream" || body.replayable();
}
