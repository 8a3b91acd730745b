import type { HeaderEdits } from "../config/run/policies.ts";

/** Applies edits to a flat list of names and values: first removals, then `set`, then `add`. */
export function applyEdits(list: string[], edits: readonly HeaderEdits[]): string[] {
  let current = list;
  for (const { add, set, remove } of edits) {
    const gone = new Set([...remove, ...set.map(([name]) => name)]);
    const next: string[] = [];
    for (let index = 0; index + 1 < current.length; index += 2) {
      const name = current[index] ?? "";
      if (!gone.has(name.toLowerCase())) next.push(name, current[index + 1] ?? "");
    }
    next.push(...set.flat(), ...add.flat());
    current = next;
  }
  return current;
}
