import type { Exchange } from "./exchange.ts";

/** How often it happened since the start. */
export type RequestCounts = {
  /** Tries beyond a request's first, and those of them that went to another backend. */
  readonly retries: number;
  readonly failovers: number;
  /** Requests answered well after a try that failed. */
  readonly rescued: number;
};

export function countRequests(): {
  readonly counts: RequestCounts;
  /** To be told of each request that has ended. */
  ended(exchange: Exchange): void;
} {
  const counts = { retries: 0, failovers: 0, rescued: 0 };
  return { counts, ended };

  function ended({ record, response }: Exchange): void {
    const { tries, backend, outcome } = record;
    if (tries === undefined) return;
    const names = [...tries.map((failed) => failed.backend), backend];
    counts.retries += tries.length;
    counts.failovers += names.filter((name, at) => at > 0 && name !== names[at - 1]).length;
    if (outcome === "ok" && response.statusCode < 400) counts.rescued += 1;
  }
}
