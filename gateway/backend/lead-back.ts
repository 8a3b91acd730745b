import type { IncomingHttpHeaders } from "node:http";
import type { PublicOrigin } from "../config/run.ts";
import type { Target } from "../config/run/backend.ts";
import { hostHeader } from "../policy/url-rewrite.ts";
import { callerOrigin } from "../request/caller-origin.ts";
import type { Exchange, PathChange } from "../request/exchange.ts";
import { type Affinity, ownedByPath } from "./affinity.ts";
import type { RunningBackend } from "./backend.ts";

/**
 * Makes the URLs in an answer's headers that lead to the backend lead to the gateway, and remembers
 * which backend it was, so that the caller who follows one comes back to it.
 */
export type LeadBack = (
  exchange: Exchange,
  backend: RunningBackend,
  headers: IncomingHttpHeaders,
) => void;

/**
 * Headers that name where to go on: RFC 9110, sections 10.2.2 and 8.7, and those of Azure's
 * long-running operations (Azure REST API guidelines; Azure Resource Manager).
 */
const pointers = ["operation-location", "location", "azure-asyncoperation", "content-location"];

export function compileLeadBack(
  publicOrigin: PublicOrigin | undefined,
  affinity: Affinity,
): LeadBack {
  return (exchange, backend, headers) => {
    const set: (readonly [name: string, value: string])[] = [];
    for (const name of pointers) {
      const value = headers[name];
      if (typeof value !== "string") continue;
      const url = ownUrl(value, backend.target, exchange);
      if (url === undefined) continue;
      const id = ownedByPath(url.pathname);
      if (id !== undefined) affinity.remember(id, backend.origin);
      const path = callersPath(url.pathname, pathChange(exchange, backend));
      if (path === undefined) continue;
      const { scheme, authority } = callerOrigin(exchange, publicOrigin);
      const origin = isPath(value) ? "" : `${scheme}://${authority}`;
      if (authority !== "") set.push([name, `${origin}${path}${url.search}${url.hash}`]);
    }
    // In front of the route's own edits, which have the last word.
    if (set.length > 0) exchange.answerEdits.unshift({ add: [], set, remove: [] });
  };
}

/**
 * A URL on the backend's own origin, or on the Host it was sent, of which services make their URLs.
 * Undefined for any other, and for what is relative to a path that the caller does not know.
 */
function ownUrl(value: string, target: Target, exchange: Exchange): URL | undefined {
  const { tls, host, port } = target;
  const scheme = tls === undefined ? "http" : "https";
  const own = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (!/^(?:https?:)?\//i.test(value) || !URL.canParse(value, own)) return undefined;
  const url = new URL(value, own);
  const { authority, request } = exchange;
  const sent = `${scheme}://${hostHeader(authority, target, request.headers.host ?? "")}`;
  const isOwn = [own, sent].some(
    (from) => URL.canParse(from) && new URL(from).origin === url.origin,
  );
  return isOwn ? url : undefined;
}

/** Starts with a slash, but not with a host. */
function isPath(value: string): boolean {
  return /^\/(?![/\\])/.test(value);
}

function pathChange(exchange: Exchange, { traffic }: RunningBackend): PathChange {
  // Elsewhere the path is made of the operation, whatever the caller wrote.
  const kept = traffic.kind === "transparent" || traffic.endpoint.kind === "caller";
  return kept ? exchange.pathChange : { kind: "full" };
}

/** The path by which the caller reaches one of the backend's; undefined where there is none. */
function callersPath(path: string, change: PathChange): string | undefined {
  if (change.kind === "none") return path;
  if (change.kind === "full") return undefined;
  const { asked, sent } = change;
  if (path !== sent && !path.startsWith(`${sent}/`)) return undefined;
  const found = asked + path.slice(sent.length);
  return found === "" ? "/" : found;
}
