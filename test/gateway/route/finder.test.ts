import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadConfig } from "../../../gateway/config/load.ts";
import type { WrittenConfig } from "../../../gateway/config/written.ts";
import { requestTarget } from "../../../gateway/request/exchange.ts";
import { type Finder, compileRoutes } from "../../../gateway/route/finder.ts";
import { listenerFinder } from "../../../gateway/route/listener.ts";

type WrittenListener = NonNullable<WrittenConfig["binds"]>[number]["listeners"][number];
type WrittenRoute = NonNullable<WrittenListener["routes"]>[number];
type WrittenMatch = NonNullable<WrittenRoute["matches"]>[number];

const backends = [{ host: "a.example.com:443" }];

function header(name: string) {
  return { name, value: { exact: "1" } };
}

/** Its one route takes the paths that begin with its name. */
function listenerFor(name: string, hostname?: string): WrittenListener {
  return {
    name,
    ...(hostname === undefined ? {} : { hostname }),
    routes: [{ name: "r", matches: [{ path: { pathPrefix: `/${name}` } }], backends }],
  };
}

/** What a request finds: the listener's and the route's name, or nothing. */
function finderOf(...listeners: readonly WrittenListener[]) {
  const source = JSON.stringify({ binds: [{ port: 3000, listeners }] });
  const loaded = loadConfig(source, {
    env: {},
    readFile() {
      throw new Error("no files");
    },
  });
  if ("problems" in loaded) return assert.fail(JSON.stringify(loaded.problems));
  const running = (loaded.config.binds[0]?.listeners ?? []).map((listener) => ({
    hostname: listener.hostname,
    name: listener.name,
    find: compileRoutes(listener, ({ name }) => name) satisfies Finder<string>,
  }));
  const findListener = listenerFinder(running);
  return (line: string, headers: Readonly<Record<string, string | string[]>> = {}) => {
    const [method = "", url = ""] = line.split(" ");
    const location = requestTarget(url, typeof headers["host"] === "string" ? headers["host"] : "");
    if (location === undefined) return undefined;
    const listener = findListener(location.hostname);
    const question = location.target.indexOf("?");
    const found = listener?.find(location.hostname, {
      method,
      path: question === -1 ? location.target : location.target.slice(0, question),
      query: question === -1 ? "" : location.target.slice(question + 1),
      headers,
    });
    return found === undefined ? undefined : `${listener?.name}/${found.route}`;
  };
}

/** Routes by name, each with its matches, on one listener. */
function routesOf(routes: Readonly<Record<string, readonly WrittenMatch[]>>) {
  const find = finderOf({
    name: "l",
    routes: Object.entries(routes).map(([name, matches]) => ({
      name,
      matches: [...matches],
      backends,
    })),
  });
  return (line: string, headers = {}) => find(line, headers)?.slice("l/".length);
}

describe("a prefix matches whole segments of the path as sent", () => {
  const find = routesOf({ azure: [{ path: { pathPrefix: "/azure" } }] });
  const cases: readonly (readonly [path: string, matches: boolean])[] = [
    ["/azure", true],
    ["/azure/", true],
    ["/azure/x", true],
    ["/azure/x/y?z=/", true],
    ["/azure?x", true],
    ["/azure//", true],
    ["/azurex", false],
    ["/azure-x", false],
    ["/azure.x", false],
    ["/azur", false],
    ["/", false],
    ["/Azure", false],
    ["/x/azure", false],
    ["//azure", false],
    ["/./azure", false],
    ["/x/../azure", false],
    ["/%61zure", false],
    ["/azure%2Fx", false],
    ["/azure;x", false],
  ];
  for (const [path, matches] of cases) {
    test(`${path} ${matches ? "matches" : "does not match"} /azure`, () => {
      assert.equal(find(`GET ${path}`), matches ? "azure" : undefined);
    });
  }
});

describe("a trailing slash in the config says nothing in a prefix, and counts in an exact path", () => {
  const find = routesOf({
    exact: [{ path: { exact: "/exact/" } }],
    prefix: [{ path: { pathPrefix: "/prefix/" } }],
  });
  const cases: readonly (readonly [path: string, route: string | undefined])[] = [
    ["/prefix", "prefix"],
    ["/prefix/", "prefix"],
    ["/prefix/x", "prefix"],
    ["/prefixx", undefined],
    ["/exact", undefined],
    ["/exact/", "exact"],
    ["/exact/?x=1", "exact"],
    ["/exact/x", undefined],
  ];
  for (const [path, route] of cases) {
    test(path, () => assert.equal(find(`GET ${path}`), route));
  }
});

describe("a pattern matches the whole path", () => {
  const find = routesOf({
    pattern: [{ path: { regex: "/v[0-9]/(chat|embeddings)" } }],
    anchored: [{ path: { regex: "^/anchored$" } }],
    alternatives: [{ path: { regex: "/a|/b" } }],
  });
  const cases: readonly (readonly [path: string, route: string | undefined])[] = [
    ["/v1/chat", "pattern"],
    ["/v1/embeddings?x", "pattern"],
    ["/v1/chat/", undefined],
    ["/x/v1/chat", undefined],
    ["/v10/chat", undefined],
    ["/V1/chat", undefined],
    ["/anchored", "anchored"],
    ["/a", "alternatives"],
    ["/b", "alternatives"],
    ["/ab", undefined],
    ["/a/b", undefined],
  ];
  for (const [path, route] of cases) {
    test(path, () => assert.equal(find(`GET ${path}`), route));
  }
});

test("patterns that take other engines for ever give the right answer", () => {
  const long = "a".repeat(50_000);
  for (const [pattern, matches] of [
    ["/(a+)+$", true],
    ["/(a|aa)+$", true],
    ["/(.*a){20}", true],
  ] as const) {
    const find = routesOf({ it: [{ path: { regex: pattern } }] });
    assert.equal(find(`GET /${long}`), matches ? "it" : undefined, pattern);
    assert.equal(
      find(`GET /${long}!`),
      undefined,
      `${pattern} and a last character it cannot take`,
    );
    assert.equal(find(`GET /${"a".repeat(19)}`), pattern.endsWith("{20}") ? undefined : "it");
  }
});

describe("conditions beside the path", () => {
  const find = routesOf({
    method: [{ path: { pathPrefix: "/method" }, method: "post" }],
    headers: [
      {
        path: { pathPrefix: "/headers" },
        headers: [
          { name: "X-Team", value: { exact: "red" } },
          { name: "x-region", value: { regex: "eu-.*" } },
        ],
      },
    ],
    query: [
      {
        path: { pathPrefix: "/query" },
        query: [
          { name: "v", value: { regex: "2024-.*" } },
          { name: "team", value: { exact: "a b" } },
        ],
      },
    ],
    empty: [{ path: { pathPrefix: "/empty" }, query: [{ name: "q", value: { exact: "" } }] }],
    inherited: [
      {
        path: { pathPrefix: "/inherited" },
        headers: [{ name: "constructor", value: { regex: ".*" } }],
      },
    ],
  });
  const both = { "x-team": "red", "x-region": "eu-west" };
  const cases: readonly (readonly [
    line: string,
    headers: Readonly<Record<string, string | string[]>>,
    route: string | undefined,
  ])[] = [
    ["POST /method", {}, "method"],
    ["GET /method", {}, undefined],
    ["post /method", {}, undefined],
    ["GET /headers", both, "headers"],
    ["GET /headers", { ...both, "x-team": "Red" }, undefined],
    ["GET /headers", { ...both, "x-team": "red " }, undefined],
    ["GET /headers", { ...both, "x-region": "xeu-west" }, undefined],
    ["GET /headers", { "x-team": "red" }, undefined],
    ["GET /headers", { ...both, "x-team": ["red", "blue"] }, undefined],
    ["GET /headers", {}, undefined],
    ["GET /query?v=2024-05-01&team=a%20b", {}, "query"],
    ["GET /query?team=a+b&v=2024-&x", {}, "query"],
    ["GET /query?v=2024-05-01", {}, undefined],
    ["GET /query?v=2025&team=a%20b", {}, undefined],
    // The first of several, as most readers take it.
    ["GET /query?v=2024-1&v=2025&team=a+b", {}, "query"],
    ["GET /query?v=2025&v=2024-1&team=a+b", {}, undefined],
    ["GET /query?V=2024-1&team=a+b", {}, undefined],
    ["GET /query", {}, undefined],
    ["GET /empty?q", {}, "empty"],
    ["GET /empty?q=", {}, "empty"],
    ["GET /empty?q=1", {}, undefined],
    ["GET /empty", {}, undefined],
    ["GET /inherited", {}, undefined],
    ["GET /inherited", { constructor: "x" }, "inherited"],
  ];
  for (const [line, headers, route] of cases) {
    test(`${line} ${JSON.stringify(headers)} finds ${route ?? "nothing"}`, () => {
      assert.equal(find(line, headers), route);
    });
  }
});

describe("of several routes that match, the more specific is taken", () => {
  const any = { path: { pathPrefix: "/" } };
  const headers = { a: "1", b: "1" };
  const cases: readonly (readonly [
    name: string,
    line: string,
    winner: WrittenMatch,
    loser: WrittenMatch,
  ])[] = [
    ["exact before prefix", "GET /a", { path: { exact: "/a" } }, { path: { pathPrefix: "/a" } }],
    [
      "exact before pattern",
      "GET /a",
      { path: { exact: "/a" } },
      { path: { regex: "/[a-z]{1,9}" } },
    ],
    [
      "prefix before pattern",
      "GET /a/b",
      { path: { pathPrefix: "/a" } },
      { path: { regex: "/a/b" } },
    ],
    ["even the shortest prefix", "GET /a/b", any, { path: { regex: "/a/b" } }],
    [
      "longer prefix",
      "GET /a/b/c",
      { path: { pathPrefix: "/a/b" } },
      { path: { pathPrefix: "/a" } },
    ],
    ["any prefix before /", "GET /a", { path: { pathPrefix: "/a" } }, any],
    ["longer pattern", "GET /a", { path: { regex: "/[a-z]+" } }, { path: { regex: "/.*" } }],
    [
      "longer path before a method",
      "GET /a/b",
      { path: { pathPrefix: "/a/b" } },
      { path: { pathPrefix: "/a" }, method: "GET" },
    ],
    [
      "exact before headers",
      "GET /a",
      { path: { exact: "/a" } },
      { path: { pathPrefix: "/a" }, headers: [header("a"), header("b")] },
    ],
    ["a method", "GET /a", { ...any, method: "GET" }, any],
    [
      "a method before headers",
      "GET /a",
      { ...any, method: "GET" },
      { ...any, headers: [header("a"), header("b")] },
    ],
    [
      "more headers",
      "GET /a",
      { ...any, headers: [header("a"), header("b")] },
      { ...any, headers: [header("a")] },
    ],
    [
      "headers before query",
      "GET /a?a=1&b=1",
      { ...any, headers: [header("a")] },
      { ...any, query: [header("a"), header("b")] },
    ],
    [
      "more query parameters",
      "GET /a?a=1&b=1",
      { ...any, query: [header("a"), header("b")] },
      { ...any, query: [header("a")] },
    ],
  ];
  for (const [name, line, winner, loser] of cases) {
    test(name, () => {
      const first = routesOf({ winner: [winner], loser: [loser] });
      const second = routesOf({ loser: [loser], winner: [winner] });
      assert.equal(first(line, headers), "winner");
      assert.equal(second(line, headers), "winner", "written after the other");
    });
  }

  test("equals are taken in the order of the config", () => {
    assert.equal(routesOf({ one: [any], two: [any] })("GET /"), "one");
    const find = routesOf({
      one: [{ path: { exact: "/x" } }, any],
      two: [any, { path: { exact: "/x" } }],
    });
    assert.equal(find("GET /y"), "one");
    assert.equal(find("GET /x"), "one");
  });

  test("what the best cannot take goes to the next best", () => {
    const find = routesOf({
      post: [{ path: { exact: "/a" }, method: "POST" }],
      prefix: [{ path: { pathPrefix: "/a" }, headers: [header("a")] }],
      pattern: [{ path: { regex: "/a" } }],
    });
    assert.equal(find("POST /a"), "post");
    assert.equal(find("GET /a", headers), "prefix");
    assert.equal(find("GET /a"), "pattern");
    assert.equal(find("GET /b"), undefined);
  });

  test("any of a route's matches will do", () => {
    const find = routesOf({ one: [{ path: { exact: "/a" } }, { path: { exact: "/b" } }] });
    assert.equal(find("GET /a"), "one");
    assert.equal(find("GET /b"), "one");
    assert.equal(find("GET /c"), undefined);
  });
});

describe("hostnames of routes", () => {
  const route = (name: string, ...hostnames: string[]): WrittenRoute => ({
    name,
    hostnames,
    backends,
  });
  const find = finderOf({
    name: "l",
    routes: [
      route("any"),
      route("wide", "*.example.com"),
      route("deep", "*.a.example.com"),
      route("exact", "API.example.com", "other.example.net"),
      {
        name: "post",
        hostnames: ["post.example.com"],
        matches: [{ method: "POST" }],
        backends,
      },
    ],
  });
  const cases: readonly (readonly [host: string, route: string])[] = [
    ["api.example.com", "exact"],
    ["API.Example.COM", "exact"],
    ["api.example.com:3000", "exact"],
    ["other.example.net", "exact"],
    ["x.example.com", "wide"],
    ["x.y.example.com", "wide"],
    ["x.a.example.com", "deep"],
    ["a.example.com", "wide"],
    ["example.com", "any"],
    ["xexample.com", "any"],
    ["api.example.com.evil.org", "any"],
    ["", "any"],
    ["[::1]:3000", "any"],
    // The most specific hostname has no route for it: the next one may.
    ["post.example.com", "wide"],
    [`${"a.".repeat(200)}example.com`, "any"],
  ];
  for (const [host, expected] of cases) {
    test(`${host.slice(0, 40)} finds ${expected}`, () => {
      assert.equal(find("GET /", { host }), `l/${expected}`);
    });
  }
  test("a hostname counts for more than a path", () => {
    const both = finderOf({
      name: "l",
      routes: [
        { name: "path", matches: [{ path: { exact: "/a" } }], backends },
        { name: "host", hostnames: ["*.example.com"], backends },
      ],
    });
    assert.equal(both("GET /a", { host: "x.example.com" }), "l/host");
    assert.equal(both("GET /a", { host: "example.org" }), "l/path");
  });
});

describe("listeners of one bind", () => {
  const find = finderOf(
    listenerFor("every"),
    listenerFor("wide", "*.example.com"),
    listenerFor("exact", "api.example.com"),
  );
  const cases: readonly (readonly [line: string, host: string, found: string | undefined])[] = [
    ["GET /exact", "api.example.com", "exact/r"],
    ["GET /exact", "API.EXAMPLE.COM:443", "exact/r"],
    ["GET /wide", "x.example.com", "wide/r"],
    ["GET /every", "example.org", "every/r"],
    ["GET /every", "example.com", "every/r"],
    // The listener is chosen by host alone, and a request does not go on to another.
    ["GET /wide", "api.example.com", undefined],
    ["GET /every", "x.example.com", undefined],
    // The absolute form names its own host, which wins over the header (RFC 9112, section 3.2.2).
    ["GET http://api.example.com/exact", "x.example.com", "exact/r"],
    ["GET http://API.example.com:80/exact?x", "x.example.com", "exact/r"],
    ["GET https://x.example.com/wide", "api.example.com", "wide/r"],
    ["GET /exact?http://x.example.com/", "api.example.com", "exact/r"],
  ];
  for (const [line, host, found] of cases) {
    test(`${line} for ${host} finds ${found ?? "nothing"}`, () => {
      assert.equal(find(line, { host }), found);
    });
  }
  test("without one for every host, a strange host finds nothing", () => {
    const strict = finderOf(listenerFor("wide", "*.example.com"));
    assert.equal(strict("GET /wide", { host: "example.org" }), undefined);
    assert.equal(strict("GET /wide", { host: "x.example.com" }), "wide/r");
  });
});

describe("a request target is a path, or an absolute URL", () => {
  const cases: readonly (readonly [
    url: string,
    host: string | undefined,
    hostname: string | undefined,
    target: string,
  ])[] = [
    ["/a?b", "Example.com:80", "example.com", "/a?b"],
    ["/", undefined, "", "/"],
    ["//evil.example/a", "a.example", "a.example", "//evil.example/a"],
    ["/%2e%2E/a", "a.example", "a.example", "/%2e%2E/a"],
    ["/a", "[FD00::7]:3000", "[fd00::7]", "/a"],
    ["/a", "[fd00::7]", "[fd00::7]", "/a"],
    ["http://A.example:3000/b?c", "b.example", "a.example", "/b?c"],
    ["HTTP://a.example", "b.example", "a.example", "/"],
    ["http://a.example?b=1", "b.example", "a.example", "/?b=1"],
    ["http://[fd00::7]:3000/b", "b.example", "[fd00::7]", "/b"],
    ["*", "a.example", undefined, ""],
    ["a.example:443", "a.example", undefined, ""],
    ["ftp://a.example/b", "a.example", undefined, ""],
    ["http:///b", "a.example", undefined, ""],
    ["", "a.example", undefined, ""],
  ];
  for (const [url, host, hostname, target] of cases) {
    test(`${url === "" ? "nothing" : url} of ${host ?? "no host"}`, () => {
      const found = requestTarget(url, host);
      assert.deepEqual([found?.hostname, found?.target ?? ""], [hostname, target]);
    });
  }
});
