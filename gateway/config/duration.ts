const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** Beyond which a timer of Node's fires at once. */
const longest = 2 ** 31 - 1;

/** `1m30s` -> 90000; at most some 24 days. */
export function milliseconds(duration: string): number {
  let total = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit ?? ""] ?? 0);
  }
  return Math.min(total, longest);
}

export function optionalMilliseconds(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : milliseconds(duration);
}
