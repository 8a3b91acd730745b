import type { Request, Response } from "express";
import type { AuthorityRewrite, HeaderEdits, RouteTimeouts } from "../config/run/policies.ts";
import type { Caller } from "./caller.ts";
import type { AccessRecord } from "./access-record.ts";
import type { TokensUsed } from "./tokens-used.ts";

/** One request on its way through the gateway, from its arrival to the last byte of the answer. */
export type Exchange = {
  readonly request: Request;
  readonly response: Response;
  /** The caller's `x-request-id`, or one made here. */
  readonly id: string;
  /** Milliseconds of the monotonic clock. */
  readonly arrived: number;
  /** Host the caller asked for, lower case, without port. */
  readonly hostname: string;
  /** Path and query to send, as the caller wrote them until a policy rewrites them. */
  target: string;
  pathChange: PathChange;
  /** What becomes of the Host header. */
  authority: AuthorityRewrite;
  /** Edits of the headers that go upstream, and of those that go back. */
  readonly requestEdits: HeaderEdits[];
  readonly answerEdits: HeaderEdits[];
  /** Who calls, as far as an inbound check has found out. */
  caller: Caller;
  /** The header that carried a key of this gateway's, in lower case: it goes no further. */
  spentHeader: string | undefined;
  /** From the request's arrival. */
  timeouts: RouteTimeouts;
  /** Milliseconds of silence after which a stream gets a comment. */
  streamKeepAlive: number | undefined;
  /** Called once with the tokens used, where any were. */
  readonly onTokens: ((used: TokensUsed) => void)[];
  readonly record: AccessRecord;
  /** What is under way for the caller; set by whoever is at it. */
  work: Work | undefined;
  /** Ends a WebSocket, or the handshake of one, since the gateway ends; undefined for all else. */
  goAway: (() => void) | undefined;
  /** The caller has gone. */
  closed: boolean;
};

/**
 * An object, not a function: V8 keeps what a new function refers to alive beyond its time when it is
 * stored in a member, a third of all that requests allocate (docs/decisions/0013).
 */
export type Work = {
  /** The caller has gone. */
  abandon(): void;
};

/** How the path that is sent came from the caller's own. */
export type PathChange =
  | { readonly kind: "none" }
  /** Prefixes are without a trailing slash; the empty text is every path. */
  | { readonly kind: "prefix"; readonly asked: string; readonly sent: string }
  /** Nothing of the caller's is left. */
  | { readonly kind: "full" };

export const unchangedPath: PathChange = { kind: "none" };

const maxIdLength = 128;

/**
 * Printable ASCII of a bounded length is taken as the caller's own id, so that one id names a call
 * in both logs; anything else could forge log lines or headers, and is replaced.
 */
export function requestId(written: string | string[] | undefined, random: () => string): string {
  return typeof written === "string" &&
    written.length <= maxIdLength &&
    /^[\x21-\x7e]+$/.test(written)
    ? written
    : random();
}

export type RequestTarget = {
  /** As written: host, with or without port. */
  readonly authority: string;
  /** Lower case, without port. */
  readonly hostname: string;
  /** Path and query; starts with a slash. */
  readonly target: string;
};

/**
 * Host and path of a request. The absolute form carries its own authority, which wins over Host
 * (RFC 9112, section 3.2.2). Undefined for what is neither a path nor an absolute URL.
 */
export function requestTarget(url: string, host: string | undefined): RequestTarget | undefined {
  if (url.startsWith("/")) return at(host ?? "", url);
  const absolute = /^https?:\/\/([^/?#]+)([/?].*)?$/i.exec(url);
  if (absolute?.[1] === undefined) return undefined;
  const rest = absolute[2] ?? "/";
  return at(absolute[1], rest.startsWith("/") ? rest : `/${rest}`);
}

function at(authority: string, target: string): RequestTarget {
  return { authority, hostname: withoutPort(authority), target };
}

export function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(":");
  const host = colon > authority.lastIndexOf("]") ? authority.slice(0, colon) : authority;
  return host.toLowerCase();
}
