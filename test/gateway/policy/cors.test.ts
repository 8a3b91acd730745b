// Which pages may call: the CORS protocol (WHATWG Fetch, section 3.3).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, chat } from "../caller.ts";
import { type WrittenRoute, model, routes } from "../configuration.ts";
import { type RunningGateway, runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

type Cors = NonNullable<NonNullable<WrittenRoute["policies"]>["cors"]>;
type Runs = Parameters<typeof runGateway>[0];

const running = (
  t: Runs,
  cors: Cors,
  more: WrittenRoute["policies"] = {},
): Promise<RunningGateway> =>
  runGateway(
    t,
    routes({
      backends: [model(`localhost:${foundry.port}`)],
      policies: { backendAuth: { key: "any" }, apiKey: { keys: [{ key: "k" }] }, cors, ...more },
    }),
  );
const from = (origin: string): Call =>
  chat({ messages: [{ role: "user", content: "Hi" }] }, { origin, "api-key": "k" });
const preflight = (origin: string): Call => ({
  method: "OPTIONS",
  path: "/v1/chat/completions",
  headers: {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, x-own",
  },
});
const protocol = (headers: object) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => /^access-control-|^vary$/.test(name)),
  );

const app = "https://app.example.com";

test("a preflight is answered without a key, and without the backend", async (t) => {
  const { origin } = await running(t, {
    allowOrigins: [app],
    allowMethods: ["POST"],
    allowHeaders: ["authorization", "content-type"],
    maxAge: "10m",
  });
  const reply = await call(origin, preflight(app));
  assert.equal(reply.status, 204);
  assert.equal(reply.body.length, 0);
  assert.equal(reply.headers["content-length"], undefined);
  assert.deepEqual(protocol(reply.headers), {
    "access-control-allow-origin": app,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",
    vary: "origin",
  });
  assert.equal(foundry.connections.tcp, 0);
});

test("a page of another origin is told nothing, and its request is still one that needs a key", async (t) => {
  const { origin } = await running(t, { allowOrigins: [app] });
  const asked = await call(origin, preflight("https://evil.example"));
  assert.deepEqual([asked.status, protocol(asked.headers)], [204, { vary: "origin" }]);
  const sent = await call(origin, from("https://evil.example"));
  assert.deepEqual([sent.status, protocol(sent.headers)], [200, { vary: "origin" }]);
  const keyless = await call(origin, chat({}, { origin: app }));
  assert.equal(keyless.status, 401);
  assert.equal(keyless.headers["access-control-allow-origin"], app);
});

test("an answer carries the grant and what may be read of it, whatever the backend says of CORS", async (t) => {
  foundry.always({
    kind: "answer",
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "x-internal",
      vary: "accept-encoding",
    },
  });
  const cors = { allowOrigins: [app], exposeHeaders: ["x-request-id"], allowCredentials: true };
  const { origin } = await running(t, cors);
  assert.deepEqual(protocol((await call(origin, from(app))).headers), {
    "access-control-allow-origin": app,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "x-request-id",
    vary: "accept-encoding, origin",
  });
  assert.deepEqual(protocol((await call(origin, from("https://evil.example"))).headers), {
    vary: "accept-encoding, origin",
  });
});

for (const [allowed, granted, refused] of [
  [
    "https://*.example.com",
    ["https://a.example.com", "https://a.b.example.com"],
    [
      "https://example.com",
      "http://a.example.com",
      "https://a.example.com.evil.example",
      "https://evil.example/.example.com",
      "https://aexample.com",
      "null",
    ],
  ],
  [
    "http://localhost:*",
    ["http://localhost:5173"],
    ["http://localhost", "http://localhost.evil.example:80", "http://evil.example"],
  ],
  [
    app,
    [app],
    [
      "https://APP.example.com",
      "https://app.example.com:8443",
      "http://app.example.com",
      "https://app.example.com.evil.example",
      "",
    ],
  ],
] as const) {
  test(`${allowed} stands for its own origins alone`, async (t) => {
    const { origin } = await running(t, { allowOrigins: [allowed] });
    for (const page of granted) {
      const { headers } = await call(origin, preflight(page));
      assert.equal(headers["access-control-allow-origin"], page, page);
    }
    for (const page of refused) {
      const { headers } = await call(origin, preflight(page));
      assert.equal(headers["access-control-allow-origin"], undefined, page);
    }
  });
}

test("every origin is a star, and headers asked for are granted where all are", async (t) => {
  const { origin } = await running(t, { allowOrigins: ["*"], allowHeaders: ["*"] });
  const { headers } = await call(origin, preflight("https://any.example"));
  assert.equal(headers["access-control-allow-origin"], "*");
  assert.equal(headers["access-control-allow-headers"], "authorization, x-own");
});

test("OPTIONS that is no preflight needs a key like any other request", async (t) => {
  const { origin } = await running(t, { allowOrigins: ["*"] });
  const reply = await call(origin, { method: "OPTIONS", headers: { origin: app } });
  assert.equal(reply.status, 401);
});
