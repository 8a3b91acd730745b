import { callerOrigin } from "../request/caller-origin.ts";
import { answerDirectly } from "../request/refuse.ts";
import type { CompilePolicy } from "./policy.ts";
import { rewriteAuthority, rewritePath } from "./url-rewrite.ts";

/** Sends the caller elsewhere: scheme, authority and path are the caller's own unless given. */
export const redirect: CompilePolicy = ({ redirect: to }, { publicOrigin }) =>
  to === undefined
    ? undefined
    : (exchange, prefix) => {
        const origin = callerOrigin(exchange, publicOrigin);
        const authority = rewriteAuthority(to.authority, origin.authority);
        const path = rewritePath(exchange.target, to.path, prefix);
        const location = `${to.scheme ?? origin.scheme}://${authority}${path}`;
        answerDirectly(exchange, to.status, ["location", location], "");
        return "answered";
      };
