import type { Retry } from "../config/run/policies.ts";
import type { Reason } from "../errors.ts";
import type { Availability, Health } from "./health.ts";

/** Longest time a request waits for its next try, in milliseconds. */
const longestWait = 5_000;

export type Next<B> = { readonly backend: B; readonly wait: number };

/** Chooses who is tried next for one request. */
export type Turns<B> = {
  /** The next backend and how long to wait for it; undefined when there is none. */
  next(now: number): Next<B> | undefined;
};

type Resting = { readonly health: Health };

/**
 * First every backend once, those that have failed lately last; then, where the config asks for more
 * tries, again from the first with a growing wait. A backend that is cooling down is left out, unless
 * it is the only one: its own answer says more than the gateway could.
 *
 * @param candidates in the order to be tried
 */
export function createTurns<B extends Resting>(
  candidates: readonly B[],
  { attempts, backoff }: Retry,
  random: () => number,
): Turns<B> {
  const tried: B[] = [];
  const limit = 1 + (attempts ?? candidates.length - 1);
  return { next };

  function next(now: number): Next<B> | undefined {
    if (tried.length >= limit) return undefined;
    // The first try never waits: when all are cooling down, the caller is told at once.
    const more = attempts !== undefined && tried.length > 0;
    const found = untried(now) ?? (more ? again(now) : undefined);
    if (found !== undefined) tried.push(found.backend);
    return found;
  }

  function untried(now: number): Next<B> | undefined {
    const [only] = candidates;
    const backend =
      candidates.length === 1 && tried.length === 0
        ? only
        : (candidates.find((each) => isFresh(each, "up", now)) ??
          candidates.find((each) => isFresh(each, "evicted", now)));
    return backend === undefined ? undefined : { backend, wait: 0 };
  }

  function isFresh(backend: B, wanted: Availability["kind"], now: number): boolean {
    return !tried.includes(backend) && backend.health.availability(now).kind === wanted;
  }

  function again(now: number): Next<B> | undefined {
    const waits = candidates.map((backend) => {
      const times = tried.filter((each) => each === backend).length;
      const availability = backend.health.availability(now);
      const rest = availability.kind === "limited" ? availability.until - now : 0;
      const pause = backoff * 2 ** Math.max(0, times - 1) * (0.75 + 0.5 * random());
      return { backend, wait: Math.max(rest, pause), rest, times };
    });
    const [soonest] = waits
      .filter(({ wait }) => wait <= longestWait)
      .toSorted((a, b) => a.times - b.times || a.rest - b.rest);
    return soonest;
  }
}

/**
 * Every backend once, those that rest last: one of them has what is asked for, and no other can stand
 * in for it.
 */
export function askEveryone<B extends Resting>(candidates: readonly B[], now: number): Turns<B> {
  const ranks = { up: 0, evicted: 1, limited: 2 } as const;
  const rank = ({ health }: B) => ranks[health.availability(now).kind];
  const left = candidates.toSorted((a, b) => rank(a) - rank(b));
  return {
    next() {
      const backend = left.shift();
      return backend === undefined ? undefined : { backend, wait: 0 };
    },
  };
}

/** When the earliest of several backends is up again, if all said they are to be left alone. */
export function allLimitedUntil(candidates: readonly Resting[], now: number): number | undefined {
  if (candidates.length < 2) return undefined;
  const ends = candidates.map(({ health }) => {
    const availability = health.availability(now);
    return availability.kind === "limited" ? availability.until : now;
  });
  const earliest = Math.min(...ends);
  return earliest > now ? earliest : undefined;
}

/** Whether another backend, or the same a little later, may answer better. */
export function isRetryable(status: number, codes: Retry["codes"]): boolean {
  if (codes !== "default") return codes.includes(status);
  return status === 408 || status === 429 || status >= 500;
}

/** The same where there was no answer. What the caller did, or the gateway itself, is not retried. */
export function isWorthAnother(reason: Reason): boolean {
  switch (reason.kind) {
    case "credential_unavailable":
    case "upstream_dns":
    case "upstream_connect":
    case "upstream_tls":
    case "upstream_protocol":
    case "upstream_reset":
      return true;
    case "upstream_timeout":
      return reason.phase !== "total";
    default:
      return false;
  }
}
