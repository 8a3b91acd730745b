import type { CompilePolicy } from "./policy.ts";

/** Limits how long the answer may take to begin; a stream that has begun may take its time. */
export const timeout: CompilePolicy = ({ timeout: milliseconds }) =>
  milliseconds === undefined
    ? undefined
    : (exchange) => {
        exchange.timeout = milliseconds;
        return "next";
      };
