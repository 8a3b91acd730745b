import type { Exchange } from "./exchange.ts";

/** The requests under way, in the order they came. */
export type UnderWay = {
  readonly size: number;
  readonly all: Iterable<Exchange>;
  add(exchange: Exchange): void;
  delete(exchange: Exchange): void;
  /** Runs `work` when the last of those that are under way now has ended. */
  afterThese(work: () => void): void;
};

export function createUnderWay(): UnderWay {
  const numbers = new Map<Exchange, number>();
  const waiting: { readonly upTo: number; readonly work: () => void }[] = [];
  let count = 0;

  return {
    get size() {
      return numbers.size;
    },
    get all() {
      return numbers.keys();
    },
    add(exchange) {
      count += 1;
      numbers.set(exchange, count);
    },
    delete(exchange) {
      numbers.delete(exchange);
      runDue();
    },
    afterThese(work) {
      waiting.push({ upTo: count, work });
      runDue();
    },
  };

  function runDue(): void {
    const oldest = numbers.values().next().value ?? Infinity;
    for (let [first] = waiting; first !== undefined && first.upTo < oldest; [first] = waiting) {
      waiting.shift();
      first.work();
    }
  }
}
