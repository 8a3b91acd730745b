import type { IncomingHttpHeaders } from "node:http";
import type { Eviction } from "../config/run/backend.ts";
import { coolDownOf, longestCoolDown, rateLimitCoolDown } from "./cool-down.ts";

/** `limited`: it said so itself. `evicted`: it failed too often in a row. Times since the epoch, in ms. */
export type Availability =
  { readonly kind: "up" } | { readonly kind: "limited" | "evicted"; readonly until: number };

/** What is known of a backend from its answers. Nothing a caller does wrong counts against it. */
export type Health = {
  availability(now: number): Availability;
  /** An answer has begun. Says whether it speaks for the backend once it is whole. */
  answered(status: number, headers: IncomingHttpHeaders, now: number): "sound" | "unsound";
  /** An answer that was sound has arrived whole. */
  served(): void;
  /** No answer, or half of one: refused, reset, or not in time. */
  failed(now: number): void;
};

/** Told when a backend is left alone from now on. */
export type OnRest = (kind: "limited" | "evicted", milliseconds: number) => void;

export function createHealth({ consecutiveFailures, duration }: Eviction, onRest: OnRest): Health {
  let failures = 0;
  let limitedUntil = 0;
  let evictedUntil = 0;

  return {
    availability(now) {
      // A clock that was put back must not make a rest longer than it was to be.
      if (limitedUntil > now && limitedUntil - now <= longestCoolDown) {
        return { kind: "limited", until: limitedUntil };
      }
      if (evictedUntil > now && evictedUntil - now <= duration) {
        return { kind: "evicted", until: evictedUntil };
      }
      return { kind: "up" };
    },
    answered(status, headers, now) {
      if (status === 429) {
        limit(rateLimitCoolDown(headers, now), now);
        return "unsound";
      }
      if (status !== 408 && status < 500) return "sound";
      const said = status === 503 ? coolDownOf(headers, now) : undefined;
      if (said !== undefined) limit(said, now);
      fail(now);
      return "unsound";
    },
    served() {
      failures = 0;
      evictedUntil = 0;
    },
    failed: fail,
  };

  function limit(milliseconds: number, now: number): void {
    if (milliseconds <= 0) return;
    if (limitedUntil <= now) onRest("limited", milliseconds);
    limitedUntil = Math.max(Math.min(limitedUntil, now + longestCoolDown), now + milliseconds);
  }

  function fail(now: number): void {
    failures += 1;
    if (failures < consecutiveFailures) return;
    if (evictedUntil <= now) onRest("evicted", duration);
    evictedUntil = now + duration;
    // After its rest a single failure is enough to rest again.
    failures = consecutiveFailures - 1;
  }
}
