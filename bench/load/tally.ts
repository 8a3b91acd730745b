/** What a load did and saw. */
export type Tally = {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly latency: Quantiles;
  /** Answers other than 200, and connections that broke. */
  readonly failures: number;
  readonly firstFailure: string | undefined;
};

export type Quantiles = { readonly p50: number; readonly p99: number; readonly p999: number };

/** @param seconds the time in which these requests were answered */
export function tally(
  latencies: number[],
  seconds: number,
  failures: number,
  firstFailure: string | undefined,
): Tally {
  return {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    latency: quantilesOf(latencies),
    failures,
    firstFailure,
  };
}

export function quantilesOf(values: number[]): Quantiles {
  const sorted = Float64Array.from(values).toSorted();
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
