// A clock that stands still until it is moved. Timers run in real time.
import { type Clock, systemClock } from "../../../gateway/clock.ts";

export type StandingClock = Clock & { pass(milliseconds: number): void };

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;

export function standingClock(start = Date.now()): StandingClock {
  let now = start;
  return {
    now: () => now,
    after: systemClock.after,
    pass(milliseconds) {
      now += milliseconds;
    },
  };
}
