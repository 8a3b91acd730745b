// The finder looks routes up; the reference below tries every one and sorts. Both must agree.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Listener, Route } from "../../../gateway/config/run.ts";
import type { Match, NamedMatch } from "../../../gateway/config/run/match.ts";
import { compileRoutes } from "../../../gateway/route/finder.ts";
import type { Matchable } from "../../../gateway/route/match.ts";

type Named = {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly matches: readonly Match[];
};

const segment = fc.constantFrom("a", "b", "ab", "a.b", "A", "%61", "");
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
const hostname = fc.constantFrom("a.com", "b.a.com", "c.b.a.com", "com", "x.org");
const hostPattern = fc.oneof(hostname, fc.constantFrom("*.com", "*.a.com", "*.b.a.com"));
const method = fc.constantFrom("GET", "POST");
const token = fc.constantFrom("1", "2");
const named: fc.Arbitrary<NamedMatch> = fc.oneof(
  fc.record({ name: fc.constantFrom("x", "y"), kind: fc.constant("exact" as const), value: token }),
  fc.record({
    name: fc.constantFrom("x", "y"),
    kind: fc.constant("regex" as const),
    value: fc.constantFrom("[12]", "1|3", "."),
  }),
);
const few = fc.array(named, { maxLength: 2 });
const match: fc.Arbitrary<Match> = fc.record({
  path: fc.oneof(
    path.map((value) => ({ kind: "exact" as const, value })),
    path.map((value) => ({ kind: "prefix" as const, value: value.replace(/\/+$/, "") })),
    fc
      .constantFrom("/a.*", "/[ab]/.*", "/(a|b)", ".*", "/ab?")
      .map((value) => ({ kind: "regex" as const, value })),
  ),
  method: fc.option(method, { nil: undefined }),
  headers: few,
  query: few,
});
const routes: fc.Arbitrary<readonly Named[]> = fc
  .array(
    fc.record({
      hostnames: fc.uniqueArray(hostPattern, { maxLength: 2 }),
      matches: fc.array(match, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 8 },
  )
  .map((list) => list.map((route, index) => ({ ...route, name: `route${index}` })));
const pairs = fc.array(fc.tuple(fc.constantFrom("x", "y"), token), { maxLength: 3 });
const request: fc.Arbitrary<Matchable> = fc.record({
  method,
  path,
  query: pairs.map((list) => list.map((pair) => pair.join("=")).join("&")),
  headers: pairs.map((list) => Object.fromEntries(list)),
});

function hostRank(pattern: string, host: string): number {
  if (pattern === host) return Number.POSITIVE_INFINITY;
  if (pattern === "*") return 0;
  return pattern.startsWith("*.") && host.endsWith(pattern.slice(1)) ? pattern.length : -1;
}

function valueHolds({ kind, value }: NamedMatch, given: string | undefined): boolean {
  if (given === undefined) return false;
  return kind === "exact" ? given === value : new RegExp(`^(?:${value})$`).test(given);
}

function pathHolds({ path: { kind, value } }: Match, given: string): boolean {
  if (kind === "exact") return given === value;
  if (kind === "regex") return new RegExp(`^(?:${value})$`).test(given);
  return given === value || given.startsWith(`${value}/`);
}

function matchHolds(each: Match, given: Matchable): boolean {
  const query = new Map<string, string>();
  for (const pair of given.query.split("&").filter((text) => text !== "")) {
    const [name = "", value = ""] = pair.split("=");
    if (!query.has(name)) query.set(name, value);
  }
  return (
    pathHolds(each, given.path) &&
    (each.method === undefined || each.method === given.method) &&
    each.headers.every((header) => {
      const value = given.headers[header.name];
      return valueHolds(header, typeof value === "string" ? value : undefined);
    }) &&
    each.query.every((parameter) => valueHolds(parameter, query.get(parameter.name)))
  );
}

const kinds = ["regex", "prefix", "exact"];

/** From the config's words: rank everything, take the best, the first of equals. */
function reference(list: readonly Named[], host: string, given: Matchable): string | undefined {
  let best: { readonly name: string; readonly rank: readonly number[] } | undefined;
  for (const { name, hostnames, matches } of list) {
    for (const each of matches) {
      if (!matchHolds(each, given)) continue;
      for (const pattern of hostnames.length === 0 ? ["*"] : hostnames) {
        const byHost = hostRank(pattern, host);
        if (byHost < 0) continue;
        const rank = [
          byHost,
          kinds.indexOf(each.path.kind),
          each.path.value.length,
          each.method === undefined ? 0 : 1,
          each.headers.length,
          each.query.length,
        ];
        if (best === undefined || isAbove(rank, best.rank)) best = { name, rank };
      }
    }
  }
  return best?.name;
}

function isAbove(rank: readonly number[], other: readonly number[]): boolean {
  for (const [index, value] of rank.entries()) {
    const against = other[index] ?? 0;
    if (value !== against) return value > against;
  }
  return false;
}

function listenerOf(list: readonly Named[]): Listener {
  const none = { add: [], set: [], remove: [] };
  const policies: Route["policies"] = {
    cors: undefined,
    jwtAuth: undefined,
    apiKey: undefined,
    rateLimits: [],
    timeouts: { request: undefined, total: undefined },
    streamKeepAlive: undefined,
    requestHeaders: none,
    responseHeaders: none,
    urlRewrite: { authority: { kind: "auto" }, path: { kind: "none" } },
    redirect: undefined,
    directResponse: undefined,
  };
  const retry: Route["retry"] = { attempts: undefined, backoff: 0, codes: "default" };
  return {
    name: "l",
    hostname: undefined,
    tls: undefined,
    routes: list.map((route) => ({ ...route, policies, retry, backends: [] })),
  };
}

test("the finder finds what trying every route finds", () => {
  fc.assert(
    fc.property(
      routes,
      fc.array(fc.tuple(hostname, request), { minLength: 1, maxLength: 8 }),
      (list, requests) => {
        const find = compileRoutes(listenerOf(list), ({ name }) => name);
        for (const [host, given] of requests) {
          assert.equal(find(host, given)?.route, reference(list, host, given));
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test("the prefix found is the path's own beginning, at the end of a segment", () => {
  fc.assert(
    fc.property(routes, hostname, request, (list, host, given) => {
      const found = compileRoutes(listenerOf(list), ({ name }) => name)(host, given);
      if (found === undefined) return;
      assert.ok(given.path.startsWith(found.prefix));
      assert.ok(["/", undefined].includes(given.path[found.prefix.length]));
    }),
    { numRuns: 1_000 },
  );
});
