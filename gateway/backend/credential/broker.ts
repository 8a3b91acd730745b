import type { Clock } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import { type AccessToken, backOff, checkToken, renewAfter } from "./lifetime.ts";

/** Gets a new token from the issuer, never one from a cache. */
export type Acquire = (signal: AbortSignal) => Promise<AccessToken>;

/**
 * Holds the token of one credential for one scope.
 *
 * One call to the issuer is under way at a time, however many requests wait. A token is renewed in
 * the background between 50 and 60 % of its life, and serves until it expires: an outage of the
 * issuer that is shorter than 40 % of a token's life is not noticed by any request.
 */
export type TokenBroker = {
  /**
   * The token, or a promise of one; rejects with `credential_unavailable` after the deadline.
   * @param refused a token that a backend has refused: waits for the call that `rejected` began
   */
  token(refused?: string): string | Promise<string>;
  /**
   * A backend refused this token, so another is asked for. Meanwhile the old one serves everybody
   * else: that a backend refuses may be for want of a role there, and is no reason to fail others.
   * Says whether another try would send a different one.
   */
  rejected(token: string): boolean;
  stop(): void;
};

export type BrokerOptions = {
  readonly acquire: Acquire;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Told of each failed call to the issuer; must not print the error unfiltered, nor throw. */
  readonly onFailure: (error: unknown, retryIn: number) => void;
};

/** All in milliseconds. */
const deadline = 5_000;
const callLimit = 15_000;
/** A backend that refuses every token must not turn each request into a call to the issuer. */
const refusalInterval = 30_000;

type Waiter = { resolve(token: string): void; reject(error: Refusal): void };

export function createBroker({ acquire, clock, random, onFailure }: BrokerOptions): TokenBroker {
  let current: AccessToken | undefined;
  /** Resting: the issuer has failed and is left alone until a timer ends it, whatever the clock says. */
  let phase: "idle" | "calling" | "resting" | "stopped" = "idle";
  let renewAt = Number.POSITIVE_INFINITY;
  let retryAt = 0;
  let failures = 0;
  /** Whether anybody has asked since the last token, or since the last failure to get a first one. */
  let used = false;
  let suspect: string | undefined;
  let lastRefusal = Number.NEGATIVE_INFINITY;
  let cancelTimer: () => void = nothing;
  let abort = new AbortController();
  const waiters = new Set<Waiter>();

  return { token, rejected, stop };

  function token(refused?: string): string | Promise<string> {
    used = true;
    const now = clock.now();
    if (current === undefined || now >= current.expiresOn) return wait();
    if (refused !== undefined && refused === suspect) return wait();
    // The timer was late, or had passed while nobody asked.
    if (now >= renewAt && phase === "idle") void call();
    return current.token;
  }

  function wait(): Promise<string> {
    return new Promise((resolve, reject) => {
      const unavailable = () => reject(new Refusal({ kind: "credential_unavailable" }));
      if (phase === "stopped") return unavailable();
      if (phase === "resting" && retryAt - clock.now() > deadline) return unavailable();
      const cancel = clock.after(deadline, () => {
        waiters.delete(waiter);
        unavailable();
      });
      const waiter: Waiter = {
        resolve(value) {
          cancel();
          resolve(value);
        },
        reject(error) {
          cancel();
          reject(error);
        },
      };
      waiters.add(waiter);
      if (phase === "idle") void call();
    });
  }

  async function call(): Promise<void> {
    cancelTimer();
    phase = "calling";
    abort = new AbortController();
    const { signal } = abort;
    const cancelLimit = clock.after(callLimit, () =>
      abort.abort(new Error(`the token issuer did not answer within ${callLimit} ms`)),
    );
    try {
      const acquired = await Promise.race([acquire(signal), aborted(signal)]);
      succeed(checkToken(acquired, clock.now()));
    } catch (error) {
      failed(error);
    } finally {
      cancelLimit();
    }
  }

  function succeed(acquired: AccessToken): void {
    if (phase === "stopped") return;
    phase = "idle";
    current = acquired;
    suspect = undefined;
    failures = 0;
    used = waiters.size > 0;
    for (const waiter of waiters) waiter.resolve(acquired.token);
    waiters.clear();
    const now = clock.now();
    const patience = renewAfter(acquired.expiresOn - now, random());
    renewAt = now + patience;
    // A token nobody has asked for is left to lapse.
    cancelTimer = clock.after(patience, () => {
      if (used && phase === "idle") void call();
    });
  }

  function failed(error: unknown): void {
    if (phase === "stopped") return;
    phase = "resting";
    const now = clock.now();
    const patience = backOff(failures, random());
    failures += 1;
    retryAt = now + patience;
    if (current === undefined || now >= current.expiresOn) used = false;
    cancelTimer = clock.after(patience, () => {
      phase = "idle";
      if (used || waiters.size > 0) void call();
    });
    onFailure(error, Math.round(patience));
  }

  function rejected(refused: string): boolean {
    if (current?.token !== refused) return true;
    if (phase === "resting" || phase === "stopped") return false;
    if (phase === "idle") {
      const now = clock.now();
      // Either way: a clock that was put back must not forbid it for as long.
      if (Math.abs(now - lastRefusal) < refusalInterval) return false;
      lastRefusal = now;
      void call();
    }
    suspect = refused;
    return true;
  }

  function stop(): void {
    phase = "stopped";
    cancelTimer();
    abort.abort(new Error("the gateway is stopping"));
    for (const waiter of waiters) waiter.reject(new Refusal({ kind: "credential_unavailable" }));
    waiters.clear();
  }
}

/** An issuer's answer may never come, and its client may not heed the signal. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function nothing(): void {}
