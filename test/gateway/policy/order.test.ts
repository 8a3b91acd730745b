// The order of the policies is the gateway's, not the config's: who calls is known before what it
// uses is counted, and nothing is answered, rewritten or sent for a caller who may not call.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call } from "../caller.ts";
import { type WrittenRoute, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { standingClock } from "./standing-clock.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const origin = { origin: "https://app.example" };
type Policies = NonNullable<WrittenRoute["policies"]>;
const guard: Policies = {
  localRateLimit: [{ maxTokens: 1, tokensPerFill: 1, fillInterval: "1h" }],
  responseHeaderModifier: { set: { "x-mark": "1" } },
  apiKey: { keys: [{ key: "k" }] },
  cors: { allowOrigins: ["https://app.example"] },
};

const answers: readonly (readonly [name: string, policies: Policies])[] = [
  ["a direct response", { directResponse: { status: 200, body: "secret" } }],
  ["a redirect", { requestRedirect: { path: { full: "/secret" } } }],
];
for (const [name, answering] of answers) {
  test(`${name} is for callers who may call, within their limit`, async (t) => {
    const gateway = await runGateway(t, routes({ policies: { ...answering, ...guard } }), {
      clock: standingClock(),
    });
    const ask = (headers: Record<string, string>) => call(gateway.origin, { path: "/", headers });
    const refused = await ask(origin);
    assert.equal(refused.status, 401);
    assert.ok(!JSON.stringify(refused.headers).includes("secret"));
    assert.equal(refused.headers["access-control-allow-origin"], "https://app.example");
    assert.equal(refused.headers["x-ratelimit-limit-requests"], undefined);
    // Not reached: only what comes before the check has run.
    assert.equal(refused.headers["x-mark"], undefined);
    const welcome = await ask({ ...origin, "api-key": "k" });
    assert.ok(welcome.status === 200 || welcome.status === 302);
    assert.equal(welcome.headers["x-mark"], "1");
    assert.equal((await ask({ ...origin, "api-key": "k" })).status, 429);
  });
}

test("a redirect goes before a direct response, and after the path is rewritten", async (t) => {
  const gateway = await runGateway(
    t,
    routes({
      matches: [{ path: { pathPrefix: "/a" } }],
      policies: {
        directResponse: { status: 200 },
        requestRedirect: { scheme: "https" },
        urlRewrite: { path: { prefix: "/b" } },
      },
    }),
  );
  const { headers } = await call(gateway.origin, { path: "/a/x", headers: { host: "gw" } });
  assert.equal(headers.location, "https://gw/b/x");
});

test("a backend is asked for nothing while a policy answers", async (t) => {
  const gateway = await runGateway(
    t,
    routes({
      backends: [{ host: `localhost:${foundry.port}` }],
      policies: { backendAuth: { key: "any" }, directResponse: { status: 200, body: "here" } },
    }),
  );
  assert.equal((await call(gateway.origin, { path: "/" })).body.toString(), "here");
  assert.equal(foundry.connections.tcp, 0);
});
