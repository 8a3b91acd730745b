import type { TLSSocket } from "node:tls";
import { answerDirectly } from "../request/refuse.ts";
import type { CompilePolicy } from "./policy.ts";
import { rewriteAuthority, rewritePath } from "./url-rewrite.ts";

/** Sends the caller elsewhere: scheme, authority and path are the caller's own unless given. */
export const redirect: CompilePolicy = ({ redirect: to }) =>
  to === undefined
    ? undefined
    : (exchange, prefix) => {
        const { request, target } = exchange;
        const scheme = to.scheme ?? (isSecure(request.socket) ? "https" : "http");
        const authority = rewriteAuthority(to.authority, request.headers.host ?? exchange.hostname);
        const location = `${scheme}://${authority}${rewritePath(target, to.path, prefix)}`;
        answerDirectly(exchange, to.status, ["location", location], "");
        return "answered";
      };

function isSecure(socket: object): socket is TLSSocket {
  return "encrypted" in socket && socket.encrypted === true;
}
