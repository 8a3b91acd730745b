import type { Clock } from "../../clock.ts";
import { Refusal } from "../../errors.ts";

/** `expiresOn` in milliseconds since the epoch. */
export type AccessToken = { readonly token: string; readonly expiresOn: number };

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
  /** The token, or a promise of one; rejects with `credential_unavailable` after the deadline. */
  token(): string | Promise<string>;
  /** The backend refused this token. Says whether another try would send a different one. */
  rejected(token: string): boolean;
  stop(): void;
};

export type BrokerOptions = {
  readonly acquire: Acquire;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Told of each failed call to the issuer; must not print the error unfiltered. */
  readonly onFailure: (error: unknown, retryIn: number) => void;
};

/** All in milliseconds. */
const deadline = 5_000;
const callLimit = 15_000;
const firstBackOff = 250;
const longestBackOff = 15_000;
const shortestRefresh = 30_000;
/** A backend that refuses every token must not turn each request into a call to the issuer. */
const dropInterval = 30_000;

type Waiter = { resolve(token: string): void; reject(error: Refusal): void };

export function createBroker({ acquire, clock, random, onFailure }: BrokerOptions): TokenBroker {
  let current: AccessToken | undefined;
  let calling = false;
  let failures = 0;
  let nextTry = 0;
  let lastDrop = Number.NEGATIVE_INFINITY;
  let used = false;
  let stopped = false;
  let cancelTimer: () => void = nothing;
  const waiters = new Set<Waiter>();

  return { token, rejected, stop };

  function token(): string | Promise<string> {
    used = true;
    if (current !== undefined && clock.now() < current.expiresOn) return current.token;
    current = undefined;
    return cold();
  }

  function cold(): Promise<string> {
    return new Promise((resolve, reject) => {
      const unavailable = () => reject(new Refusal({ kind: "credential_unavailable" }));
      const wait = nextTry - clock.now();
      if (stopped || (!calling && wait > deadline)) return unavailable();
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
      if (!calling) schedule(Math.max(wait, 0));
    });
  }

  function schedule(milliseconds: number): void {
    cancelTimer();
    cancelTimer = nothing;
    if (stopped) return;
    if (milliseconds <= 0) void call();
    else cancelTimer = clock.after(milliseconds, () => void call());
  }

  async function call(): Promise<void> {
    if (calling || stopped) return;
    calling = true;
    const abort = new AbortController();
    const cancelLimit = clock.after(callLimit, () =>
      abort.abort(new Error(`the token issuer did not answer within ${callLimit} ms`)),
    );
    try {
      const acquired = await Promise.race([acquire(abort.signal), aborted(abort.signal)]);
      if (acquired.expiresOn <= clock.now())
        throw new Error("the token issuer gave an expired token");
      calling = false;
      succeed(acquired);
    } catch (error) {
      calling = false;
      failed(error);
    } finally {
      cancelLimit();
    }
  }

  function succeed(acquired: AccessToken): void {
    current = acquired;
    failures = 0;
    nextTry = 0;
    used = waiters.size > 0;
    for (const waiter of waiters) waiter.resolve(acquired.token);
    waiters.clear();
    const life = acquired.expiresOn - clock.now();
    const wait = Math.max(life * (0.5 + 0.1 * random()), Math.min(shortestRefresh, life));
    cancelTimer();
    // A token nobody asks for is left to lapse.
    cancelTimer = clock.after(wait, () => (used ? schedule(0) : undefined));
  }

  function failed(error: unknown): void {
    const backOff =
      Math.min(firstBackOff * 2 ** failures, longestBackOff) * (0.75 + 0.5 * random());
    failures += 1;
    nextTry = clock.now() + backOff;
    onFailure(error, Math.round(backOff));
    if (waiters.size > 0 || (current !== undefined && clock.now() < current.expiresOn)) {
      schedule(backOff);
    }
  }

  function rejected(refused: string): boolean {
    if (current === undefined || current.token !== refused) return true;
    const now = clock.now();
    if (now - lastDrop < dropInterval) return false;
    lastDrop = now;
    current = undefined;
    cancelTimer();
    return true;
  }

  function stop(): void {
    stopped = true;
    cancelTimer();
    for (const waiter of waiters) waiter.reject(new Refusal({ kind: "credential_unavailable" }));
    waiters.clear();
  }
}

/** Some of the SDK's calls do not heed their signal. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function nothing(): void {}
