import { type Path, formatPath } from "./problem.ts";
import { isRecord } from "./written/object.ts";

/** What is left of a configuration, and where in the file a place of it is. */
export type SoundParts = { readonly value: unknown; readonly original: (path: Path) => Path };

/**
 * A configuration without the routes, listeners, binds or sections that the grammar finds fault with,
 * so that what shows only between the others is told at once, too.
 *
 * @param faults places, as deep as they may be
 * @returns undefined where the fault is the whole's
 */
export function soundParts(root: unknown, faults: readonly Path[]): SoundParts | undefined {
  if (!isRecord(root) || faults.some((path) => path.length === 0)) return undefined;
  const dropped = new Set(faults.map(partAround).map(formatPath));
  // What is attached to gateways cannot be told without them.
  if (dropped.has("gateways")) for (const section of ["routes", "llm"]) dropped.add(section);
  /** By the place of a list in what is left: the places that its items have in the file. */
  const origins = new Map<string, readonly number[]>();

  const sections = Object.entries(root).filter(([key]) => !dropped.has(key));
  const left = new Map(sections);
  for (const key of ["binds", "routes"]) {
    const list = left.get(key);
    if (!Array.isArray(list)) continue;
    const kept = keep(list, [key], [key], key === "binds" ? bindOf : whole);
    if (kept.length > 0) left.set(key, kept);
    else left.delete(key);
  }
  return { value: Object.fromEntries(left), original };

  function bindOf(bind: unknown, path: Path, at: Path): unknown {
    if (!isRecord(bind) || !Array.isArray(bind["listeners"])) return undefined;
    const here = [...at, "listeners"];
    const listeners = keep(bind["listeners"], [...path, "listeners"], here, listenerOf);
    return listeners.length === 0 ? undefined : { ...bind, listeners };
  }

  function listenerOf(listener: unknown, path: Path, at: Path): unknown {
    if (!isRecord(listener) || !Array.isArray(listener["routes"])) return listener;
    const routes = keep(listener["routes"], [...path, "routes"], [...at, "routes"], whole);
    return { ...listener, routes };
  }

  /** @param at the list's place in what is left */
  function keep(list: readonly unknown[], path: Path, at: Path, partOf: typeof bindOf): unknown[] {
    const kept: unknown[] = [];
    const indices: number[] = [];
    for (const [index, item] of list.entries()) {
      const here = [...path, index];
      if (dropped.has(formatPath(here))) continue;
      const part = partOf(item, here, [...at, kept.length]);
      if (part === undefined) continue;
      kept.push(part);
      indices.push(index);
    }
    origins.set(formatPath(at), indices);
    return kept;
  }

  function original(path: Path): Path {
    return path.map((step, index) =>
      typeof step === "number"
        ? (origins.get(formatPath(path.slice(0, index)))?.[step] ?? step)
        : step,
    );
  }
}

function whole(item: unknown): unknown {
  return item;
}

/** The least part around a place that the others can do without. */
function partAround(path: Path): Path {
  const [section, index, , listener, , route] = path;
  if (section !== "binds" && section !== "routes") return path.slice(0, 1);
  if (index === undefined || section === "routes" || typeof listener !== "number")
    return path.slice(0, 2);
  return path[4] === "routes" && typeof route === "number" ? path.slice(0, 6) : path.slice(0, 4);
}
