import type { HeaderEdits } from "../config/run/policies.ts";

/** Applies edits to a flat list of names and values: first removals, then `set`, then `add`. */
export function applyEdits(list: string[], edits: readonly HeaderEdits[]): string[] {
  let current = list;
  for (const { add, set, remove } of edits) {
    const isGone = (name: string) =>
      remove.includes(name) || set.some(([replaced]) => replaced === name);
    const next: string[] = [];
    for (let index = 0; index + 1 < current.length; index += 2) {
      const name = current[index] ?? "";
      if (!isGone(name.toLowerCase())) next.push(name, current[index + 1] ?? "");
    }
    for (const [name, value] of set) next.push(name, value);
    for (const [name, value] of add) next.push(name, value);
    current = next;
  }
  return current;
}
