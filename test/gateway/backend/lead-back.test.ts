// Answers say where to go on: an operation to ask for, a thing that was made, another place. Where that
// is the backend itself, the caller is led to the gateway, by the path that comes out there; all else
// stays as the backend wrote it.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { makeAuthority } from "../../stand-in/certificate.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call } from "../caller.ts";
import { type WrittenRoute, configuration, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

/** Where the configurations below say the backend is; it is dialled elsewhere. */
const target = "contoso.cognitiveservices.azure.com:8080";
const own = `http://${target}`;
const options = { upstreamPort: foundry.port };
const host = "gw.example:8443";
const seen = `http://${host}`;

const answering = (headers: Readonly<Record<string, string>>, status = 202) =>
  foundry.next({ kind: "status", status, headers, body: "" });

const to = (route: WrittenRoute = {}): WrittenRoute => ({
  backends: [{ host: target }],
  ...route,
  policies: { backendAuth: { key: "any" }, ...route.policies },
});
const under = (pathPrefix: string, prefix: string) =>
  to({ matches: [{ path: { pathPrefix } }], policies: { urlRewrite: { path: { prefix } } } });

const cases: readonly (readonly [
  name: string,
  route: WrittenRoute,
  asked: string,
  written: string,
  led: string,
])[] = [
  ["the path as it is", to(), "/d/m:analyze", `${own}/d/r/1?v=2#x`, `${seen}/d/r/1?v=2#x`],
  ["an origin in capitals", to(), "/d", `HTTP://CONTOSO.${target.slice(8)}/d/1`, `${seen}/d/1`],
  [
    "the Host that was sent, which has no port",
    to(),
    "/d",
    "http://contoso.cognitiveservices.azure.com/d/1",
    `${seen}/d/1`,
  ],
  ["an encoded path", to(), "/d", `${own}/d/a%20b%2Fc`, `${seen}/d/a%20b%2Fc`],
  [
    "a prefix",
    under("/docs", "/documentintelligence"),
    "/docs/m",
    `${own}/documentintelligence/r/1`,
    `${seen}/docs/r/1`,
  ],
  ["a prefix alone", under("/docs", "/d"), "/docs", `${own}/d?v=1`, `${seen}/docs?v=1`],
  ["a prefix that was nothing", under("/", "/d"), "/m", `${own}/d/r`, `${seen}/r`],
  [
    "a prefix that becomes nothing",
    under("/docs/", "/"),
    "/docs/m",
    `${own}/r/1`,
    `${seen}/docs/r/1`,
  ],
  ["a path beside the prefix", under("/docs", "/d"), "/docs/m", `${own}/dd/r/1`, `${own}/dd/r/1`],
  [
    "a path that was replaced",
    to({ policies: { urlRewrite: { path: { full: "/d/m:analyze" } } } }),
    "/read",
    `${own}/d/r/1`,
    `${own}/d/r/1`,
  ],
  ["a path without origin", under("/docs", "/d"), "/docs/m", "/d/r/1?v=1", "/docs/r/1?v=1"],
  ["a path relative to the asked one", under("/docs", "/d"), "/docs/m", "r/1", "r/1"],
  [
    "a Host of the configuration's",
    to({ policies: { urlRewrite: { authority: { full: "other.example" } } } }),
    "/d",
    "http://other.example/d/1",
    `${seen}/d/1`,
  ],
  [
    "an AI route that keeps the path",
    to({
      backends: [model(target, { policies: { ai: { routes: { "*": "passthrough" } } } })],
    }),
    "/openai/v1/videos",
    `${own}/openai/v1/videos/1`,
    `${seen}/openai/v1/videos/1`,
  ],
  [
    "an AI route that makes its own",
    to({
      backends: [
        model(target, {
          pathPrefix: "/openai/v1",
          policies: { ai: { routes: { "*": "passthrough" } } },
        }),
      ],
    }),
    "/videos",
    `${own}/openai/v1/videos/1`,
    `${own}/openai/v1/videos/1`,
  ],
];
for (const [name, route, path, written, led] of cases) {
  test(`${name}: ${written} becomes ${led}`, async (t) => {
    const { origin } = await runGateway(t, routes(route), options);
    answering({ "operation-location": written });
    const reply = await call(origin, { method: "POST", path, headers: { host } });
    assert.equal(reply.headers["operation-location"], led);
  });
}

for (const header of [
  "operation-location",
  "location",
  "azure-asyncoperation",
  "content-location",
]) {
  test(`${header} is led back, whatever the status`, async (t) => {
    const { origin } = await runGateway(t, routes(to()), options);
    for (const status of [200, 201, 202, 307]) {
      answering({ [header]: `${own}/d/1`, "retry-after": "3", link: `<${own}/d/2>` }, status);
      const reply = await call(origin, { path: "/d", headers: { host } });
      assert.deepEqual(
        [reply.status, reply.headers[header], reply.headers["retry-after"], reply.headers["link"]],
        [status, `${seen}/d/1`, "3", `<${own}/d/2>`],
      );
    }
  });
}

test("by an HTTPS listener the caller is led to https, and by its own port", async (t) => {
  const authority = await makeAuthority();
  const { cert, key } = await authority.serverCertificate();
  const { port } = await runGateway(
    t,
    configuration({
      binds: [
        {
          port: 3000,
          listeners: [{ protocol: "HTTPS", tls: { cert: "c", key: "k" }, routes: [to()] }],
        },
      ],
    }),
    { ...options, files: { c: cert, k: key } },
  );
  answering({ location: `${own}/d/1` });
  const { request } = await import("node:https");
  const location = await new Promise((resolve, reject) => {
    request({ host: "localhost", port, path: "/d", ca: authority.cert }, (answer) => {
      answer.resume();
      resolve(answer.headers.location);
    })
      .on("error", reject)
      .end();
  });
  assert.equal(location, `https://localhost:${port}/d/1`);
});

test("a route's own edits of the answer have the last word", async (t) => {
  const responseHeaderModifier = { remove: ["operation-location"], set: { location: "/mine" } };
  const route = to({ policies: { responseHeaderModifier } });
  const { origin } = await runGateway(t, routes(route), options);
  answering({ "operation-location": `${own}/d/1`, location: `${own}/d/1` });
  const { headers } = await call(origin, { path: "/d" });
  assert.deepEqual([headers["operation-location"], headers.location], [undefined, "/mine"]);
});
