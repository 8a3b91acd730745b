import { isGuarded, spendsCredential } from "../gateway/config/guarded.ts";
import type { Config } from "../gateway/config/run.ts";
import type { InputProblem } from "./invalid-input.ts";
import { addToRoutes, routesOf } from "./config-routes.ts";

/** The policies of `callers`, by their names in the gateway's configuration. */
export type InboundPolicies = Readonly<Record<string, unknown>>;

/**
 * Adds the inbound policies to every route that no check of its own, or of its listener, guards.
 * @param written the configuration as plain values, changed in place
 * @param config the same as the gateway runs it: what a route inherits is in it
 */
export function addInboundPolicies(
  written: unknown,
  config: Config,
  policies: InboundPolicies,
): void {
  addToRoutes(
    written,
    config,
    policies,
    ({ policies: { apiKey, jwtAuth } }) => apiKey === undefined && jwtAuth === undefined,
  );
}

/**
 * A problem for each route that would spend a credential for callers nobody checked: the gateway
 * warns of one, a stack does not deploy it.
 */
export function checkNoneOpen(config: Config): readonly InputProblem[] {
  return routesOf(config)
    .filter(({ route }) => spendsCredential(route.backends) && !isGuarded(route.policies))
    .map(({ route, place: [, bind, , listener, , index] }) => ({
      input: `gateway.binds[${bind}].listeners[${listener}].routes[${index}]`,
      message: `route ${route.name} sends a credential for callers it does not check: expected apiKey or jwtAuth with mode strict, or callers.anonymous: true`,
    }));
}
