import { isGuarded, spendsCredential } from "../gateway/config/guarded.ts";
import type { Route } from "../gateway/config/run.ts";
import { type PlacedConfig, addToRoutes, inputAt, routesOf } from "./config-routes.ts";
import type { InputProblem } from "./invalid-input.ts";

/** The policies of `callers`, by their names in the gateway's configuration. */
export type InboundPolicies = Readonly<Record<string, unknown>>;

/**
 * Adds the inbound policies to every route that no check of its own, or of its listener, guards.
 * @param written the configuration as plain values, changed in place
 * @param placed the same as the gateway runs it: what a route inherits is in it
 */
export function addInboundPolicies(
  written: unknown,
  placed: PlacedConfig,
  policies: InboundPolicies,
): void {
  addToRoutes(written, placed, policies, (route) => !hasCheck(route));
}

/**
 * A problem for each route that one of its listeners guards and another does not: the callers'
 * check, being the route's, would take the place of the listener's.
 */
export function checkNoneHalfGuarded({ config, places }: PlacedConfig): readonly InputProblem[] {
  const attached = Map.groupBy(routesOf(config), (route) => inputAt(places.of(route)));
  return [...attached]
    .filter(([, routes]) => new Set(routes.map(hasCheck)).size > 1)
    .map(([input]) => ({
      input,
      message:
        "one of its listeners checks callers and another does not: expected an apiKey or jwtAuth of its own",
    }));
}

function hasCheck({ policies: { apiKey, jwtAuth } }: Route): boolean {
  return (apiKey ?? jwtAuth) !== undefined;
}

/**
 * A problem for each route that would spend a credential for callers nobody checked: the gateway
 * warns of one, a stack does not deploy it.
 */
export function checkNoneOpen({ config, places }: PlacedConfig): readonly InputProblem[] {
  const open = routesOf(config).filter(
    ({ backends, policies }) => spendsCredential(backends) && !isGuarded(policies),
  );
  const named = new Map(open.map((route) => [inputAt(places.of(route)), route.name]));
  return [...named].map(([input, name]) => ({
    input,
    message: `route ${name} sends a credential for callers it does not check: expected apiKey or jwtAuth with mode strict, or callers.anonymous: true`,
  }));
}
