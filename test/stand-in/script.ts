// What a stand-in does instead of its everyday answer, told by the test.

export type Script<Behaviour> = {
  /** For the next `times` requests (1 unless told), after those told before. */
  next(behaviour: Behaviour, times?: number): void;
  /** For every request that no `next` covers, until `reset`. */
  always(behaviour: Behaviour): void;
};

export type ScriptReader<Behaviour> = Script<Behaviour> & {
  /** The behaviour for the request that has just arrived: requests are counted by their headers. */
  take(): Behaviour | undefined;
  reset(): void;
};

export function createScript<Behaviour>(): ScriptReader<Behaviour> {
  let queue: Behaviour[] = [];
  let standing: Behaviour | undefined;

  return {
    next(behaviour, times = 1) {
      queue.push(...Array<Behaviour>(times).fill(behaviour));
    },
    always(behaviour) {
      standing = behaviour;
    },
    take: () => queue.shift() ?? standing,
    reset() {
      queue = [];
      standing = undefined;
    },
  };
}
