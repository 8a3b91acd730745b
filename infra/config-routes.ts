import type { Config, Route } from "../gateway/config/run.ts";
import { isRecord } from "../gateway/config/written/object.ts";

type Place = readonly ["binds", number, "listeners", number, "routes", number];

/** Every route of a configuration, with its place in the file. */
export function routesOf({
  binds,
}: Config): readonly { readonly route: Route; readonly place: Place }[] {
  return binds.flatMap(({ listeners }, bind) =>
    listeners.flatMap(({ routes }, listener) =>
      routes.map((route, index) => ({
        route,
        place: ["binds", bind, "listeners", listener, "routes", index] as const,
      })),
    ),
  );
}

function child(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return value[Number(step)];
  return isRecord(value) ? value[step] : undefined;
}

/**
 * Adds policies to the routes that want them, in place; a policy of the route's own stays.
 * @param written the configuration as plain values
 * @param config the same as the gateway runs it: what a route inherits from its listener is in it
 */
export function addToRoutes(
  written: unknown,
  config: Config,
  policies: Readonly<Record<string, unknown>>,
  wants: (route: Route) => boolean,
): void {
  for (const { route, place } of routesOf(config)) {
    const target = wants(route) ? place.reduce(child, written) : undefined;
    if (!isRecord(target)) continue;
    target.policies = { ...policies, ...(isRecord(target.policies) ? target.policies : {}) };
  }
}
