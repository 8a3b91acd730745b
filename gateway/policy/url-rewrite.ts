import { isIP } from "node:net";
import type { Target } from "../config/run/backend.ts";
import type { AuthorityRewrite, PathRewrite } from "../config/run/policies.ts";
import type { CompilePolicy } from "./policy.ts";

/** Rewrites the path, keeping the caller's query, and settles what the Host header is to be. */
export const urlRewrite: CompilePolicy = ({ urlRewrite: { authority, path } }) => {
  if (authority.kind === "auto" && path.kind === "none") return undefined;
  return (exchange, prefix) => {
    exchange.authority = authority;
    exchange.target = rewritePath(exchange.target, path, prefix);
    return "next";
  };
};

/** @param target path and query */
export function rewritePath(target: string, rewrite: PathRewrite, prefix: string): string {
  if (rewrite.kind === "none") return target;
  const question = target.indexOf("?");
  const path = question === -1 ? target : target.slice(0, question);
  const query = question === -1 ? "" : target.slice(question);
  if (rewrite.kind === "full") return rewrite.value + query;
  const rest = `${rewrite.value}${path.slice(prefix.length)}`;
  return (rest.startsWith("/") ? rest : `/${rest}`) + query;
}

/**
 * The Host header for a target (agentgateway's `authority`).
 * @param written the caller's own Host header
 */
export function hostHeader(rewrite: AuthorityRewrite, target: Target, written: string): string {
  if (rewrite.kind === "auto") return isIP(target.host) === 0 ? target.host : written;
  return rewriteAuthority(rewrite, written);
}

/** @param written host, with or without port */
export function rewriteAuthority(rewrite: AuthorityRewrite, written: string): string {
  switch (rewrite.kind) {
    case "auto":
    case "none":
      return written;
    case "full":
      return rewrite.value;
    case "host":
      return rewrite.value + (/:\d+$/.exec(written)?.[0] ?? "");
    case "port":
      return `${written.replace(/:\d+$/, "")}:${rewrite.value}`;
  }
}
