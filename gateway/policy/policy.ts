import type { Clock } from "../clock.ts";
import type { RoutePolicies } from "../config/run/policies.ts";
import type { Exchange } from "../request/exchange.ts";

/** `next`: the request goes on. `answered`: the policy has answered it. */
export type Verdict = "next" | "answered";

/**
 * One thing done to a request before a backend is chosen. It changes the exchange, answers, or ends
 * the request by throwing a Refusal.
 *
 * @param prefix the path prefix by which the route was found
 */
export type Policy = (exchange: Exchange, prefix: string) => Verdict | Promise<Verdict>;

/** What policies take from the world around them. */
export type PolicyNeeds = {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
};

/** Compiles a policy from a route's config; undefined where the route does not have it. */
export type CompilePolicy = (policies: RoutePolicies, needs: PolicyNeeds) => Policy | undefined;
