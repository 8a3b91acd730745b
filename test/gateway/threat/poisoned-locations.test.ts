// The threat: an answer that sends somebody else's poll, with the key it carries, to a place of the
// attacker's choosing. What is written into a URL that leads back to the gateway must not come from a
// header that a shared cache or an ingress does not tell answers apart by (X-Forwarded-Host), and a URL
// that is not the backend's own must not be given the gateway's name.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, exchangeBytes } from "../caller.ts";
import { configuration } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const target = `contoso.cognitiveservices.azure.com:${foundry.port}`;
const yaml = (publicOrigin?: string) =>
  configuration({
    ...(publicOrigin === undefined ? {} : { config: { publicOrigin } }),
    binds: [
      {
        port: 3000,
        listeners: [
          {
            routes: [
              {
                matches: [{ path: { pathPrefix: "/elsewhere" } }],
                policies: { requestRedirect: {} },
              },
              { backends: [{ host: target }], policies: { backendAuth: { key: "any" } } },
            ],
          },
        ],
      },
    ],
  });

const forged = {
  "x-forwarded-host": "evil.example",
  "x-forwarded-proto": "ftp",
  "x-forwarded-port": "666",
  "x-original-host": "evil.example",
  "x-host": "evil.example",
  forwarded: "host=evil.example;proto=ftp",
};

for (const [name, publicOrigin, host, led] of [
  ["the host asked for", undefined, "gw.example", "http://gw.example"],
  ["https", "https://*", "gw.example:8443", "https://gw.example:8443"],
  ["one origin", "https://llm.example.com", "gw.example", "https://llm.example.com"],
  [
    "one origin with a port",
    "http://llm.example.com:81",
    "gw.example",
    "http://llm.example.com:81",
  ],
  [
    "one origin, as URLs are written",
    "https://LLM.Example.com:443",
    "x",
    "https://llm.example.com",
  ],
] as const) {
  test(`forwarded headers change nothing: the caller is led to ${name}`, async (t) => {
    const { origin } = await runGateway(t, yaml(publicOrigin));
    foundry.next({
      kind: "status",
      status: 202,
      headers: { "operation-location": `http://${target}/d/1` },
      body: "",
    });
    const headers = { ...forged, host };
    const polled = await call(origin, { method: "POST", path: "/d", headers });
    assert.equal(polled.headers["operation-location"], `${led}/d/1`);
    const redirected = await call(origin, { path: "/elsewhere/a?b", headers });
    assert.equal(redirected.headers.location, `${led}/elsewhere/a?b`);
  });
}

const port = String(foundry.port);
for (const foreign of [
  "https://evil.example/d/1",
  "//evil.example/d/1",
  `https://${target}/d/1`,
  "http://contoso.cognitiveservices.azure.com:1/d/1",
  `http://contoso.cognitiveservices.azure.com.evil.example:${port}/d/1`,
  `http://evil-contoso.cognitiveservices.azure.com:${port}/d/1`,
  `http://${target}@evil.example/d/1`,
  "http://evil.example\\@contoso.cognitiveservices.azure.com/d/1",
  `/\\evil.example/d/1`,
  `file://${target}/d/1`,
  `javascript:alert(1)//${target}`,
  "http://",
  "",
]) {
  test(`${JSON.stringify(foreign)} is not the backend's own, and stays as it is`, async (t) => {
    const { origin } = await runGateway(t, yaml("https://llm.example.com"));
    foundry.next({ kind: "status", status: 307, headers: { location: foreign }, body: "" });
    const reply = await call(origin, { path: "/d" });
    assert.equal(reply.headers.location, foreign);
  });
}

test("a name and a password in the backend's URL do not reach the caller", async (t) => {
  const { origin } = await runGateway(t, yaml("https://llm.example.com"));
  foundry.next({
    kind: "status",
    status: 201,
    headers: { location: `http://user:secret@${target}/d/../d/1` },
    body: "",
  });
  const reply = await call(origin, { path: "/d" });
  assert.equal(reply.headers.location, "https://llm.example.com/d/1");
});

test("a caller that names no host is shown the backend's own URL, not a broken one", async (t) => {
  const { port: at } = await runGateway(t, yaml());
  foundry.next({
    kind: "status",
    status: 202,
    headers: { location: `http://${target}/d/1` },
    body: "",
  });
  const answer = await exchangeBytes(at, "GET /d HTTP/1.0\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 202 /);
  assert.match(answer, new RegExp(`\r\nlocation: http://${target}/d/1\r\n`, "i"));
});
