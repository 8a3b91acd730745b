import type { CompilePolicy } from "./policy.ts";

/** How long the answer may take, and how a silent stream is kept open. */
export const timeout: CompilePolicy = ({ timeouts, streamKeepAlive }) =>
  (timeouts.request ?? timeouts.total ?? streamKeepAlive) === undefined
    ? undefined
    : (exchange) => {
        exchange.timeouts = timeouts;
        exchange.streamKeepAlive = streamKeepAlive;
        return "next";
      };
