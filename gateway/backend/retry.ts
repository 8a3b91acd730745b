import type { Retry } from "../config/run.ts";
import type { Reason } from "../errors.ts";
import type { Health } from "./health.ts";

/** Longest time a request waits for its next try, in milliseconds. */
const longestWait = 5_000;

export type Next<B> = { readonly backend: B; readonly wait: number };

/** Chooses who is tried next for one request. */
export type Turns<B> = {
  /** The next backend and how long to wait for it; undefined when there is none. */
  next(now: number): Next<B> | undefined;
  /** When the earliest backend is up again, if all said they are to be left alone. */
  allLimited(now: number): number | undefined;
};

/**
 * First every backend once, those that have failed lately last; then, where the config asks for more
 * tries, again from the first with a growing wait. A backend that is cooling down is left out.
 *
 * @param candidates in the order to be tried
 */
export function createTurns<B extends { readonly health: Health }>(
  candidates: readonly B[],
  { attempts, backoff }: Retry,
  random: () => number,
): Turns<B> {
  const tried = new Map<B, number>();
  const limit = 1 + (attempts ?? candidates.length - 1);
  let tries = 0;

  return {
    next(now) {
      if (tries >= limit) return undefined;
      const found = untried(now) ?? (attempts === undefined ? undefined : again(now));
      if (found === undefined) return undefined;
      tries += 1;
      tried.set(found.backend, (tried.get(found.backend) ?? 0) + 1);
      return found;
    },
    allLimited(now) {
      if (candidates.length < 2) return undefined;
      const ends = candidates.map(({ health }) => {
        const availability = health.availability(now);
        return availability.kind === "limited" ? availability.until : now;
      });
      const earliest = Math.min(...ends);
      return earliest > now ? earliest : undefined;
    },
  };

  function untried(now: number): Next<B> | undefined {
    const fresh = candidates.filter((backend) => !tried.has(backend));
    const only = candidates.length === 1;
    const backend =
      fresh.find(({ health }) => only || health.availability(now).kind === "up") ??
      fresh.find(({ health }) => health.availability(now).kind === "evicted");
    return backend === undefined ? undefined : { backend, wait: 0 };
  }

  function again(now: number): Next<B> | undefined {
    const waits = candidates.map((backend) => {
      const times = tried.get(backend) ?? 0;
      const availability = backend.health.availability(now);
      const rest = availability.kind === "limited" ? availability.until - now : 0;
      const pause = backoff * 2 ** Math.max(0, times - 1) * (0.75 + 0.5 * random());
      return { backend, wait: Math.max(rest, pause), times };
    });
    const [next] = waits
      .filter(({ wait }) => wait <= longestWait)
      .toSorted((a, b) => a.times - b.times || a.wait - b.wait);
    return next;
  }
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
