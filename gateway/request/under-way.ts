import type { Duplex } from "node:stream";
import type { Exchange } from "./exchange.ts";

/** The requests under way. */
export type UnderWay = {
  readonly size: number;
  /** In no order. */
  all(): readonly Exchange[];
  /** The request that a connection carries. */
  on(socket: Duplex): Exchange | undefined;
  /** What is returned ends it. */
  begin(exchange: Exchange): () => void;
  /** Runs `work` when the last of those that are under way now has ended. */
  afterThese(work: () => void): void;
};

/** Those that began between two calls of `afterThese`. */
type Generation = { running: number; work: (() => void) | undefined };

/**
 * Seats that are taken and given back, rather than a Map: its tables, replaced every few requests,
 * stay linked to those before them, and so keep each request's memory until the next full collection.
 */
export function createUnderWay(): UnderWay {
  const seats: (Exchange | undefined)[] = [];
  const free: number[] = [];
  const generations: Generation[] = [];
  let current: Generation = { running: 0, work: undefined };
  let size = 0;

  return {
    get size() {
      return size;
    },
    all,
    on: (socket) => all().find(({ request }) => request.socket === socket),
    begin(exchange) {
      const seat = free.pop() ?? seats.length;
      seats[seat] = exchange;
      const own = current;
      own.running += 1;
      size += 1;
      return () => {
        seats[seat] = undefined;
        free.push(seat);
        own.running -= 1;
        size -= 1;
        if (own.running === 0 && own !== current) runDue();
      };
    },
    afterThese(work) {
      current.work = work;
      generations.push(current);
      current = { running: 0, work: undefined };
      runDue();
    },
  };

  function all(): readonly Exchange[] {
    return seats.filter((exchange) => exchange !== undefined);
  }

  /** A generation's turn comes when those before it have ended too. */
  function runDue(): void {
    for (let [oldest] = generations; oldest?.running === 0; [oldest] = generations) {
      generations.shift();
      oldest.work?.();
    }
  }
}
