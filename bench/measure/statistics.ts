export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The order of a round: each starts with another, so that nobody always comes after the same one. */
export function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

/** A straight line through points, by least squares: what it costs at all, and for each unit more. */
export type Line = { readonly fixed: number; readonly perUnit: number };

export function fit(points: readonly (readonly [units: number, cost: number])[]): Line {
  const count = points.length;
  const meanUnits = points.reduce((sum, [units]) => sum + units, 0) / count;
  const meanCost = points.reduce((sum, [, cost]) => sum + cost, 0) / count;
  let spread = 0;
  let common = 0;
  for (const [units, cost] of points) {
    spread += (units - meanUnits) ** 2;
    common += (units - meanUnits) * (cost - meanCost);
  }
  const perUnit = spread === 0 ? 0 : common / spread;
  return { fixed: meanCost - perUnit * meanUnits, perUnit };
}
