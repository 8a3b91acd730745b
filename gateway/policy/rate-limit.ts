import type { RateLimit } from "../config/run/policies.ts";
import { Refusal } from "../errors.ts";
import type { CompilePolicy } from "./policy.ts";
import { type Buckets, createBuckets } from "./token-bucket.ts";

/**
 * Limits requests, and tokens as the backend counts them. A request is let in while its bucket holds
 * anything; what its answer used is taken out afterwards, so a bucket can be in debt.
 */
export const rateLimit: CompilePolicy = ({ rateLimits }, { clock }) => {
  if (rateLimits.length === 0) return undefined;
  const limits = rateLimits.map((limit) => ({ limit, buckets: createBuckets(limit, clock) }));
  return (exchange) => {
    for (const { limit, buckets } of limits) {
      const key = limit.per === "caller" ? exchange.caller.id : "";
      const left = limit.unit === "requests" ? buckets.take(key, 1) : buckets.left(key);
      exchange.answerEdits.push({ add: [], set: describe(limit, buckets, key, left), remove: [] });
      if (limit.unit === "requests" ? left < 0 : left <= 0) {
        const retryAfter = Math.ceil(buckets.wait(key) / 1000);
        throw new Refusal({ kind: "rate_limited", unit: limit.unit, retryAfter });
      }
      if (limit.unit === "tokens") {
        exchange.onTokens.push(({ total, source }) => {
          // An estimate may be far off: it empties a bucket at most.
          buckets.take(key, source === "reported" ? total : Math.min(total, limit.capacity));
        });
      }
    }
    return "next";
  };
};

/** The headers OpenAI's clients know. */
function describe(
  { unit, capacity }: RateLimit,
  buckets: Buckets,
  key: string,
  left: number,
): (readonly [string, string])[] {
  const reset = buckets.untilFull(key) / 1000;
  return [
    [`x-ratelimit-limit-${unit}`, String(capacity)],
    [`x-ratelimit-remaining-${unit}`, String(Math.max(0, Math.floor(left)))],
    [`x-ratelimit-reset-${unit}`, `${Math.round(reset * 1000) / 1000}s`],
  ];
}
