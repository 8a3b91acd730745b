import type { Exchange } from "../request/exchange.ts";

/** The clocks that run while an answer is awaited and delivered. */
export type DeliveryTimers = {
  /** The answer has begun; `commentable` when silence in it may be broken. */
  begun(commentable: boolean): void;
  /** Something has gone to the caller. */
  heard(): void;
  clear(): void;
};

/** Told of what has taken too long. */
export type Limits = {
  /** The answer has not begun in time. */
  notBegun(): void;
  /** The answer has not ended in time. */
  notEnded(): void;
  /** The caller has heard nothing for a while. */
  silent(): void;
};

/** What a route does not limit costs no timer. */
export function startTimers(
  { arrived, timeouts: { request, total }, streamKeepAlive }: Exchange,
  limits: Limits,
): DeliveryTimers {
  if (request === undefined && total === undefined && streamKeepAlive === undefined) return none;
  const requestTimer = after(request, () => limits.notBegun());
  const totalTimer = after(total, () => limits.notEnded());
  let silence: NodeJS.Timeout | undefined;
  return {
    begun(commentable) {
      clearTimeout(requestTimer);
      if (commentable && streamKeepAlive !== undefined) {
        silence = setInterval(() => limits.silent(), streamKeepAlive);
      }
    },
    heard: () => void silence?.refresh(),
    clear() {
      clearTimeout(requestTimer);
      clearTimeout(totalTimer);
      clearInterval(silence);
    },
  };

  function after(milliseconds: number | undefined, work: () => void): NodeJS.Timeout | undefined {
    if (milliseconds === undefined) return undefined;
    return setTimeout(work, Math.max(0, arrived + milliseconds - performance.now()));
  }
}

const none: DeliveryTimers = {
  begun: () => undefined,
  heard: () => undefined,
  clear: () => undefined,
};
