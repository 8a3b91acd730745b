import type { RoutePolicies } from "../config/run.ts";
import type { Exchange } from "../request/exchange.ts";
import type { CompilePolicy, Policy } from "./policy.ts";
import { urlRewrite } from "./url-rewrite.ts";

/**
 * The policies of a request in the order they run, whatever the order in the config. Credentials for
 * the backend come after these: they belong to the backend that was chosen.
 */
const order: readonly CompilePolicy[] = [urlRewrite];

/** A route's policies as one; undefined when it has none. */
export function compilePolicies(
  policies: RoutePolicies,
): ((exchange: Exchange, prefix: string) => Promise<void> | undefined) | undefined {
  const running = order
    .map((compile) => compile(policies))
    .filter((policy) => policy !== undefined);
  return running.length === 0 ? undefined : (exchange, prefix) => run(running, 0, exchange, prefix);
}

/** Most policies need not wait for anything, and then nothing waits for them. */
function run(
  policies: readonly Policy[],
  from: number,
  exchange: Exchange,
  prefix: string,
): Promise<void> | undefined {
  for (let index = from; index < policies.length; index += 1) {
    const pending = policies[index]?.(exchange, prefix);
    if (pending !== undefined)
      return pending.then(() => run(policies, index + 1, exchange, prefix));
  }
  return undefined;
}
