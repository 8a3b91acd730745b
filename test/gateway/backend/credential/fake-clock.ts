// A clock that a test moves. Timers run on the time that passes, as Node's do: they do not hear of
// a wall clock that somebody puts forward or back.
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../../../gateway/clock.ts";

export type FakeClock = Clock & {
  /** Lets so many milliseconds pass, running each timer in its turn. */
  pass(milliseconds: number): Promise<void>;
  /** Changes the time of day alone. */
  putForward(milliseconds: number): void;
  /** Milliseconds that have passed since the start. */
  passed(): number;
  /** Timers still to come; those set for just so many milliseconds, where given. */
  timers(lasting?: number): number;
};

type Timer = { readonly due: number; readonly lasting: number; readonly work: () => void };

/** Node's own limit, beyond which a timer fires at once. */
const longest = 2 ** 31 - 1;

export function createFakeClock(wallAtStart = Date.UTC(2026, 0, 1)): FakeClock {
  let wall = wallAtStart;
  let passed = 0;
  const timers = new Set<Timer>();

  const next = (until: number): Timer | undefined =>
    [...timers].filter(({ due }) => due <= until).toSorted((a, b) => a.due - b.due)[0];

  return {
    now: () => wall,
    after(milliseconds, work) {
      const sane = milliseconds >= 0 && milliseconds <= longest;
      const timer = { due: passed + (sane ? milliseconds : 1), lasting: milliseconds, work };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async pass(milliseconds) {
      const end = passed + milliseconds;
      await settle();
      for (let timer = next(end); timer !== undefined; timer = next(end)) {
        wall += timer.due - passed;
        passed = timer.due;
        timers.delete(timer);
        timer.work();
        await settle();
      }
      wall += end - passed;
      passed = end;
      await settle();
    },
    putForward(milliseconds) {
      wall += milliseconds;
    },
    passed: () => passed,
    timers: (lasting) =>
      [...timers].filter((timer) => lasting === undefined || timer.lasting === lasting).length,
  };
}

/** Lets everything happen that needs neither time nor a socket. */
export async function settle(): Promise<void> {
  await turn();
  await turn();
}
