import type { RoutePolicies } from "../config/run.ts";
import type { Exchange } from "../request/exchange.ts";

/**
 * One thing done to a request before a backend is chosen. It changes the exchange, or ends the
 * request by throwing a Refusal.
 *
 * @param prefix the path prefix by which the route was found
 */
export type Policy = (exchange: Exchange, prefix: string) => void | Promise<void>;

/** Compiles a policy from a route's config; undefined where the route does not have it. */
export type CompilePolicy = (policies: RoutePolicies) => Policy | undefined;
