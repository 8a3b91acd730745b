// What the backend sees as request target and Host. `pathOverride` replaces path and query;
// `hostOverride` alone keeps both as the caller wrote them, to the character: a path decoded and
// encoded again is another path. One backend's path never shows up at another (pitfall 8).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, chat, exchangeBytes } from "../caller.ts";
import { type WrittenBackend, type WrittenRoute, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

type Rewrite = NonNullable<NonNullable<WrittenRoute["policies"]>["urlRewrite"]>;

const name = "ai-gateway.services.ai.azure.com";
const asking = (path: string, headers = {}): Call => ({
  ...chat({ model: "m", messages: [{ role: "user", content: "Hi" }] }, headers),
  path,
});
const kept = model(`${name}:80`);
const replaced = model(`${name}:80`, {
  pathOverride: "/models/chat/completions?api-version=2024-05-01-preview",
});
const transparent: WrittenBackend = { host: `${name}:80` };
const odd = "/azure/a%2Fb/%7Euser//x;y=1/caf%C3%A9?q=%20+a&q&api-version=1&=#";

const cases: readonly {
  readonly rule: string;
  readonly backend: WrittenBackend;
  readonly rewrite?: Rewrite;
  readonly from: string;
  readonly target: string;
  readonly host?: string;
}[] = [
  { rule: "hostOverride alone keeps path and query", backend: kept, from: odd, target: odd },
  {
    rule: "pathOverride replaces path and query",
    backend: replaced,
    from: "/azure/v1/chat/completions?api-version=1&secret=x",
    target: "/models/chat/completions?api-version=2024-05-01-preview",
  },
  {
    rule: "pathOverride wins over a path rewrite",
    backend: replaced,
    rewrite: { path: { full: "/elsewhere" } },
    from: "/azure/v1?x=1",
    target: "/models/chat/completions?api-version=2024-05-01-preview",
  },
  { rule: "a host backend keeps path and query", backend: transparent, from: odd, target: odd },
  {
    rule: "a full path rewrite keeps the query",
    backend: transparent,
    rewrite: { path: { full: "/language/x" } },
    from: "/azure/a?q=%20",
    target: "/language/x?q=%20",
  },
  {
    rule: "a prefix rewrite keeps what follows the prefix",
    backend: kept,
    rewrite: { path: { prefix: "/openai/v1" } },
    from: "/azure/chat/completions?x",
    target: "/openai/v1/chat/completions?x",
  },
  {
    rule: "a prefix rewritten to / leaves one slash",
    backend: transparent,
    rewrite: { path: { prefix: "/" } },
    from: "/azure/language/a%2Fb",
    target: "/language/a%2Fb",
  },
  {
    rule: "a prefix that is the whole path is rewritten",
    backend: transparent,
    rewrite: { path: { prefix: "/" } },
    from: "/azure?x",
    target: "/?x",
  },
  {
    rule: "authority auto is the target's name",
    backend: kept,
    rewrite: { authority: "auto" },
    from: "/azure",
    target: "/azure",
  },
  {
    rule: "authority none keeps the caller's Host",
    backend: kept,
    rewrite: { authority: "none" },
    from: "/azure",
    target: "/azure",
    host: "caller.example:8080",
  },
  {
    rule: "authority full is written out",
    backend: transparent,
    rewrite: { authority: { full: "other.example:99" } },
    from: "/azure",
    target: "/azure",
    host: "other.example:99",
  },
  {
    rule: "authority host keeps the caller's port",
    backend: transparent,
    rewrite: { authority: { host: "other.example" } },
    from: "/azure",
    target: "/azure",
    host: "other.example:8080",
  },
  {
    rule: "authority port keeps the caller's name",
    backend: kept,
    rewrite: { authority: { port: 444 } },
    from: "/azure",
    target: "/azure",
    host: "caller.example:444",
  },
  {
    rule: "a target given by address keeps the caller's Host",
    backend: { host: "192.0.2.1:80" },
    from: "/azure",
    target: "/azure",
    host: "caller.example:8080",
  },
];

for (const { rule, backend, rewrite, from, target, host = name } of cases) {
  test(rule, async (t) => {
    const { origin } = await runGateway(
      t,
      routes({
        matches: [{ path: { pathPrefix: "/azure" } }],
        policies: {
          backendAuth: { key: "any" },
          ...(rewrite === undefined ? {} : { urlRewrite: rewrite }),
        },
        backends: [backend],
      }),
      { upstreamPort: foundry.port },
    );
    await call(origin, asking(from, { host: "caller.example:8080" }));
    assert.equal(foundry.requests[0]?.path, target);
    const { rawHeaders = [] } = foundry.requests[0] ?? {};
    const hosts = rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase() === "host");
    assert.deepEqual(hosts, [host]);
  });
}

test("a target in absolute form is reduced to its path, and its own host finds the route", async (t) => {
  const { port } = await runGateway(
    t,
    routes({
      hostnames: ["in.example"],
      backends: [transparent],
      policies: { backendAuth: { key: "any" } },
    }),
    { upstreamPort: foundry.port },
  );
  const answer = await exchangeBytes(
    port,
    "GET http://in.example:80/language/x?y HTTP/1.1\r\nhost: other.example\r\nconnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.equal(foundry.requests[0]?.path, "/language/x?y");
  assert.equal(foundry.requests[0]?.headers.host, name);
});

test("a path prefix takes whole segments: /azurex is not under /azure", async (t) => {
  const { origin } = await runGateway(
    t,
    routes({ matches: [{ path: { pathPrefix: "/azure/" } }], backends: [transparent] }),
    { upstreamPort: foundry.port },
  );
  for (const [path, status] of [
    ["/azurex/v1", 404],
    ["/Azure/v1", 404],
    ["/x/azure", 404],
    ["/azure", 401],
    ["/azure/v1", 401],
  ] as const) {
    assert.equal((await call(origin, { path })).status, status, path);
  }
});

test("a redirect is the caller's to follow", async (t) => {
  const { origin } = await runGateway(t, routes({ backends: [kept] }), {
    upstreamPort: foundry.port,
  });
  const location = `http://localhost:${foundry.port}/elsewhere`;
  foundry.next({ kind: "status", status: 307, headers: { location } });
  const reply = await call(origin, asking("/v1/chat/completions"));
  assert.equal(reply.status, 307);
  assert.equal(reply.headers.location, location);
  assert.equal(foundry.requests.length, 1);
});
