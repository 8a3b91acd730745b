import type { Sound } from "../gateway/config/load.ts";
import { type Path, formatPath } from "../gateway/config/problem.ts";
import type { Config, Route } from "../gateway/config/run.ts";
import { isRecord } from "../gateway/config/written/object.ts";

/** A configuration as it runs, and where in the file its parts are. */
export type PlacedConfig = Pick<Sound, "config" | "places">;

/** Every route of a configuration. One that is attached to several listeners is there for each. */
export function routesOf({ binds }: Config): readonly Route[] {
  return binds.flatMap(({ listeners }) => listeners.flatMap(({ routes }) => routes));
}

/** A place in the configuration, as the component's inputs are called. */
export function inputAt(path: Path): string {
  return `gateway.${formatPath(path)}`;
}

function child(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return value[Number(step)];
  return isRecord(value) ? value[step] : undefined;
}

/**
 * Adds policies to the routes that want them, in place; a policy of the route's own stays.
 * @param written the configuration as plain values
 * @param placed the same as the gateway runs it: what a route inherits from its listener is in it
 */
export function addToRoutes(
  written: unknown,
  { config, places }: PlacedConfig,
  policies: Readonly<Record<string, unknown>>,
  wants: (route: Route) => boolean,
): void {
  for (const route of routesOf(config)) {
    const target = wants(route) ? places.of(route).reduce(child, written) : undefined;
    if (!isRecord(target)) continue;
    target.policies = { ...policies, ...(isRecord(target.policies) ? target.policies : {}) };
  }
}
