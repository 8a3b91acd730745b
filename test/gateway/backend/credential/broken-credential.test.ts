// The threat: one credential that cannot be built, or never gets a token, takes the whole gateway
// down (pitfall 2), or its failure is reported as another credential's (pitfall 4).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { call } from "../../caller.ts";
import { type WrittenRoute, model, routes, systemAssigned } from "../../configuration.ts";
import { runGateway } from "../../running-gateway.ts";
import { askWhilePassing, question, quiet, scope, startKeyless } from "./keyless.ts";

const azure = await startKeyless();
const { clock, foundry, identity } = azure;
beforeEach(() => azure.reset());
after(() => azure.close());

type Azure = NonNullable<
  NonNullable<NonNullable<WrittenRoute["policies"]>["backendAuth"]>["azure"]
>;
type Source = NonNullable<Azure["explicitConfig"]>;
const backends = [model(`localhost:${foundry.port}`, { pathOverride: "/v1/chat/completions" })];
const healthy: WrittenRoute = {
  matches: [{ path: { pathPrefix: "/healthy" } }],
  backends,
  policies: { backendAuth: { azure: { ...systemAssigned.azure, scope } } },
};
const broken = (explicitConfig: Source): WrittenRoute => ({
  backends,
  policies: { backendAuth: { azure: { explicitConfig, scope } } },
});

const cases: readonly {
  readonly what: string;
  readonly source: Source;
  readonly credential: string;
  readonly said: RegExp;
}[] = [
  {
    what: "a workload identity without its environment",
    source: { workloadIdentity: {} },
    credential: "workload identity",
    said: /lacks AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE,/,
  },
  {
    what: "a managed identity that is not assigned",
    source: { managedIdentity: { userAssignedIdentity: { clientId: "not-assigned" } } },
    credential: "user-assigned managed identity with clientId not-assigned",
    said: /answered 400; .*No User Assigned/,
  },
  {
    what: "an application in a tenant that cannot be one",
    source: { clientSecret: { tenantId: "no tenant!", clientId: "c", clientSecret: "s" } },
    credential: "clientSecret of application c",
    said: /tenant/i,
  },
];

for (const { what, source, credential, said } of cases) {
  test(`${what} fails its own route alone, and the log says why`, async (t) => {
    const { origin, logged } = await runGateway(t, routes(healthy, broken(source)), {
      clock,
      env: {},
    });
    assert.equal((await call(origin, { ...question, path: "/healthy" })).status, 200);
    await quiet(clock);
    // Logged at the start, before any request needed it.
    const lines = logged().filter(({ msg }) => msg === "no token");
    assert.ok(lines.length > 0);
    for (const line of lines) {
      assert.equal(line["credential"], credential);
      assert.equal(line["level"], 50);
      assert.match(String(line["error"]), said);
      if (source.workloadIdentity !== undefined) {
        assert.doesNotMatch(String(line["error"]), /managed/i);
      }
    }
    assert.equal((await askWhilePassing(origin, clock)).status, 502);
    assert.equal((await call(origin, { ...question, path: "/healthy" })).status, 200);
    assert.equal(foundry.requests.length, 2);
  });
}

test("an identity endpoint in disorder costs a route with a key nothing", async (t) => {
  identity.always({ kind: "hang" });
  const withKey: WrittenRoute = {
    matches: [{ path: { pathPrefix: "/key" } }],
    backends,
    policies: { backendAuth: { key: "some-key" } },
  };
  const { origin } = await runGateway(t, routes(withKey, healthy), { clock });
  // The Foundry takes no such token; what counts is that the request went there at once.
  assert.equal((await call(origin, { ...question, path: "/key" })).status, 401);
  assert.equal(foundry.requests[0]?.headers.authorization, "Bearer some-key");
});
