/** A backend's place among those of a route. */
export type Placed = {
  readonly pool: number;
  readonly poolWeight: number;
  readonly group: number;
  readonly weight: number;
};

/**
 * The backends of a route in the order they are to be tried for one request: a pool drawn by weight,
 * its groups one after the other, each shuffled by weight; then the other pools, drawn likewise.
 * Weight 0 is never tried.
 *
 * @param random in [0, 1)
 */
export function inOrder<B extends Placed>(
  backends: readonly B[],
  random: () => number,
): readonly B[] {
  const [only, ...others] = backends;
  if (only === undefined || others.length === 0) return only?.poolWeight === 0 ? [] : backends;
  const pools = [...Map.groupBy(backends, ({ pool }) => pool).values()];
  return shuffled(pools, ([first]) => first?.poolWeight ?? 0, random).flatMap((pool) =>
    [...Map.groupBy(pool, ({ group }) => group).entries()]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([, group]) => shuffled(group, ({ weight }) => weight, random)),
  );
}

/** Draws one after the other, each by its share of what is left. */
function shuffled<T>(
  items: readonly T[],
  weightOf: (item: T) => number,
  random: () => number,
): T[] {
  const left = items.filter((item) => weightOf(item) > 0);
  const drawn: T[] = [];
  while (left.length > 1) {
    const total = left.reduce((sum, item) => sum + weightOf(item), 0);
    let rest = random() * total;
    const found = left.findIndex((item) => {
      rest -= weightOf(item);
      return rest < 0;
    });
    drawn.push(...left.splice(found === -1 ? left.length - 1 : found, 1));
  }
  return [...drawn, ...left];
}
