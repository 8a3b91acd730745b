import type { RoutePolicies } from "../config/run/policies.ts";
import type { Exchange } from "../request/exchange.ts";
import { authentication } from "./authentication/authentication.ts";
import { cors } from "./cors.ts";
import { directResponse } from "./direct-response.ts";
import { requestHeaders, responseHeaders } from "./header-modifier.ts";
import type { CompilePolicy, Policy, PolicyNeeds, Verdict } from "./policy.ts";
import { rateLimit } from "./rate-limit.ts";
import { redirect } from "./redirect.ts";
import { timeout } from "./timeout.ts";
import { urlRewrite } from "./url-rewrite.ts";

/**
 * The policies of a request in the order they run, whatever the order in the config; agentgateway's
 * order. Credentials for the backend come after these: they belong to the backend that is chosen.
 */
const order: readonly CompilePolicy[] = [
  cors,
  authentication,
  rateLimit,
  timeout,
  requestHeaders,
  responseHeaders,
  urlRewrite,
  redirect,
  directResponse,
];

/** A route's policies as one; undefined when it has none. */
export function compilePolicies(policies: RoutePolicies, needs: PolicyNeeds): Policy | undefined {
  const running = order
    .map((compile) => compile(policies, needs))
    .filter((policy) => policy !== undefined);
  return running.length === 0 ? undefined : (exchange, prefix) => run(running, 0, exchange, prefix);
}

/** Most policies need not wait for anything, and then nothing waits for them. */
function run(
  policies: readonly Policy[],
  from: number,
  exchange: Exchange,
  prefix: string,
): ReturnType<Policy> {
  for (let index = from; index < policies.length; index += 1) {
    const verdict = policies[index]?.(exchange, prefix);
    if (verdict === "answered") return verdict;
    if (verdict instanceof Promise) {
      return verdict.then((waited): Verdict | Promise<Verdict> =>
        waited === "answered" ? waited : run(policies, index + 1, exchange, prefix),
      );
    }
  }
  return "next";
}
