import type { Listener, Route } from "../config/run.ts";
import type { Match } from "../config/run/match.ts";
import { type Condition, type Matchable, compileConditions } from "./match.ts";

/** A route found for a request, and the path prefix by which it was found. */
export type Found<R> = { readonly route: R; readonly prefix: string };

export type Finder<R> = (hostname: string, request: Matchable) => Found<R> | undefined;

type Candidate<R> = Found<R> & {
  readonly match: Match;
  readonly order: number;
  readonly holds: Condition | undefined;
};

/** The candidates for one hostname, by kind of path. Each list in order of precedence. */
type Index<R> = {
  readonly exact: Map<string, Candidate<R>[]>;
  readonly prefix: Map<string, Candidate<R>[]>;
  /** Length of the longest prefix; -1 without any. */
  longestPrefix: number;
  readonly regex: Candidate<R>[];
};

/**
 * Compiles a listener's routes into a finder whose work does not grow with the number of routes:
 * exact and prefix paths are looked up, only patterns are tried one by one.
 *
 * Precedence: most specific hostname, then exact path, prefix, pattern, then longer path, method
 * present, more headers, more query parameters, then the order in the config. Paths compare as
 * sent, without percent-decoding; a prefix matches whole segments.
 *
 * @param routeOf the running form of a route
 */
export function compileRoutes<R>(listener: Listener, routeOf: (route: Route) => R): Finder<R> {
  const hosts = new Map<string, Index<R>>();
  let order = 0;
  for (const route of listener.routes) {
    const running = routeOf(route);
    for (const match of route.matches) {
      const prefix = match.path.kind === "prefix" ? match.path.value : "";
      const candidate = { route: running, prefix, match, order, holds: compileConditions(match) };
      order += 1;
      for (const hostname of route.hostnames.length === 0 ? ["*"] : route.hostnames) {
        addTo(indexFor(hosts, hostname), candidate);
      }
    }
  }
  for (const { exact, prefix, regex } of hosts.values()) {
    for (const list of [...exact.values(), ...prefix.values(), regex]) list.sort(byPrecedence);
  }
  const forEveryHost = hosts.get("*");
  if (forEveryHost !== undefined && hosts.size === 1)
    return (_, request) => findIn(forEveryHost, request);
  return (hostname, request) => {
    for (const pattern of patternsOf(hostname)) {
      const index = hosts.get(pattern);
      const found = index === undefined ? undefined : findIn(index, request);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** Longest DNS name (RFC 1035); what is longer is nobody's, and would cost its length squared. */
const maxHostname = 253;

/** `a.b.c` -> `a.b.c`, `*.b.c`, `*.c`, `*`: from the most specific on. */
export function* patternsOf(hostname: string): Generator<string> {
  if (hostname.length > maxHostname) return yield "*";
  yield hostname;
  for (let dot = hostname.indexOf("."); dot !== -1; dot = hostname.indexOf(".", dot + 1)) {
    yield `*${hostname.slice(dot)}`;
  }
  yield "*";
}

function indexFor<R>(hosts: Map<string, Index<R>>, hostname: string): Index<R> {
  const existing = hosts.get(hostname);
  if (existing !== undefined) return existing;
  const index: Index<R> = { exact: new Map(), prefix: new Map(), longestPrefix: -1, regex: [] };
  hosts.set(hostname, index);
  return index;
}

function addTo<R>(index: Index<R>, candidate: Candidate<R>): void {
  const { kind, value } = candidate.match.path;
  if (kind === "regex") {
    index.regex.push(candidate);
    return;
  }
  if (kind === "prefix") index.longestPrefix = Math.max(index.longestPrefix, value.length);
  const list = index[kind].get(value);
  if (list === undefined) index[kind].set(value, [candidate]);
  else list.push(candidate);
}

function byPrecedence<R>(a: Candidate<R>, b: Candidate<R>): number {
  return (
    b.match.path.value.length - a.match.path.value.length ||
    Number(b.match.method !== undefined) - Number(a.match.method !== undefined) ||
    b.match.headers.length - a.match.headers.length ||
    b.match.query.length - a.match.query.length ||
    a.order - b.order
  );
}

function findIn<R>(index: Index<R>, request: Matchable): Candidate<R> | undefined {
  const exact = firstThatHolds(index.exact.get(request.path), request);
  if (exact !== undefined) return exact;
  const { path } = request;
  // From the longest prefix there is, not from the path's end, which a caller can put far away.
  let end =
    path.length <= index.longestPrefix ? path.length : segmentEnd(path, index.longestPrefix);
  while (end >= 0) {
    const found = firstThatHolds(index.prefix.get(path.slice(0, end)), request);
    if (found !== undefined) return found;
    end = segmentEnd(path, end - 1);
  }
  return firstThatHolds(index.regex, request);
}

/** Where the last whole segment ends, at `from` or before it; -1 when there is none. */
function segmentEnd(path: string, from: number): number {
  return from < 0 ? -1 : path.lastIndexOf("/", from);
}

function firstThatHolds<R>(
  candidates: readonly Candidate<R>[] | undefined,
  request: Matchable,
): Candidate<R> | undefined {
  return candidates?.find(({ holds }) => holds === undefined || holds(request));
}
