import type { Running } from "../start.ts";
import { rotated } from "./statistics.ts";

/** Who is measured, one after the other; a contender may be there more than once. */
export type Round = readonly Running[];

/** What targets hold against each other, by name. */
const compared = new Set(["gateway", "node-undici"]);

/**
 * Rounds that go from contender to contender, so that a slow minute of the machine hits all alike.
 * Each begins with another. What is compared comes twice in each; what runs on Python, a hundred
 * times as slow as the others, in the last alone.
 */
export function roundsOf(field: readonly Running[], count: number): readonly Round[] {
  const quick = field.filter(({ contender }) => contender.runtime !== "python");
  return Array.from({ length: count }, (_, round) =>
    rotated([...(round === count - 1 ? field : quick), ...comparedIn(field)], round),
  );
}

/** One round of everybody, and more of what is compared. */
export function oneRoundAnd(more: number, field: readonly Running[]): readonly Round[] {
  const again = Array.from({ length: more }, (_, round) => rotated(comparedIn(field), round));
  return [...roundsOf(field, 1), ...again];
}

export function comparedIn(field: readonly Running[]): Round {
  return field.filter(({ contender }) => compared.has(contender.name));
}

/** What was measured at each visit, by contender. */
export async function visit<Sample>(
  rounds: readonly Round[],
  measure: (running: Running, isLast: boolean) => Promise<Sample>,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>();
  for (const round of rounds) {
    for (const running of round) {
      const sample = await measure(running, round === rounds.at(-1));
      const { name } = running.contender;
      samples.set(name, [...(samples.get(name) ?? []), sample]);
    }
  }
  return samples;
}
