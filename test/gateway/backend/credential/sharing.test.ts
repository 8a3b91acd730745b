// The threat: a token travels to where it does not belong, because a cache forgot a part of its key:
// the scope, or whose it is (pitfalls 1 and 5). And the opposite: equal credentials that do not share
// make calls that are throttled.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { makeAuthority } from "../../../stand-in/certificate.ts";
import { startEntra } from "../../../stand-in/entra.ts";
import { call } from "../../caller.ts";
import { type WrittenRoute, model, routes } from "../../configuration.ts";
import { runGateway, trust } from "../../running-gateway.ts";
import { askWhilePassing, question, quiet, startKeyless } from "./keyless.ts";

const azure = await startKeyless();
const { clock, foundry, identity, tokens } = azure;
const authority = await makeAuthority();
trust(authority);
const tenantId = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const entra = await startEntra({
  tokens,
  certificate: await authority.serverCertificate(),
  tenantId,
  applications: [{ name: "app", clientId: "app-client", clientSecret: "right" }],
});
beforeEach(async () => {
  await azure.reset();
  entra.reset();
});
after(async () => {
  await azure.close();
  await entra.close();
});

const foundryScope = "https://ai.azure.com/.default";
const openAiScope = "https://cognitiveservices.azure.com/.default";
const env = { ...process.env, ...entra.environment };

type Azure = NonNullable<
  NonNullable<NonNullable<WrittenRoute["policies"]>["backendAuth"]>["azure"]
>;
const routeFor = (path: string, azureAuth: Azure): WrittenRoute => ({
  matches: [{ path: { pathPrefix: path } }],
  // Tells at the Foundry which route it was.
  backends: [
    model(`localhost:${foundry.port}`, { pathOverride: `/v1/chat/completions?route=${path}` }),
  ],
  policies: { backendAuth: { azure: azureAuth } },
});
const system = { explicitConfig: { managedIdentity: {} } };
const user = {
  explicitConfig: { managedIdentity: { userAssignedIdentity: { clientId: "user-client" } } },
};
const sameTextOtherKind = {
  explicitConfig: { managedIdentity: { userAssignedIdentity: { objectId: "user-client" } } },
};
const withSecret = (clientSecret: string) => ({
  explicitConfig: { clientSecret: { tenantId, clientId: "app-client", clientSecret } },
});

const tokensUsedBy = (path: string) => [
  ...new Set(
    foundry.requests
      .filter((request) => request.path.endsWith(`route=${path}`))
      .map(({ token }) => token),
  ),
];

test("each route gets a token of its own identity and scope, and equal ones share 1 call", async (t) => {
  const config = routes(
    routeFor("/system", { ...system, scope: foundryScope }),
    routeFor("/same", { ...system, scope: foundryScope }),
    routeFor("/scope", { ...system, scope: openAiScope }),
    routeFor("/user", { ...user, scope: foundryScope }),
    routeFor("/app", { ...withSecret("right"), scope: foundryScope }),
  );
  const { origin } = await runGateway(t, config, { clock, env });
  const rounds = Array.from({ length: 20 }, () => [
    "system",
    "same",
    "scope",
    "user",
    "app",
  ]).flat();
  await Promise.all(rounds.map((path) => call(origin, { ...question, path: `/${path}` })));

  assert.equal(foundry.requests.length, 100);
  for (const { path, who } of [
    { path: "/system", who: "system for https://ai.azure.com" },
    { path: "/same", who: "system for https://ai.azure.com" },
    { path: "/scope", who: "system for https://cognitiveservices.azure.com" },
    { path: "/user", who: "user for https://ai.azure.com" },
    { path: "/app", who: "app for https://ai.azure.com" },
  ]) {
    const [token, ...more] = tokensUsedBy(path);
    assert.equal(more.length, 0, path);
    assert.equal(`${token?.identity} for ${token?.audience}`, who);
  }
  assert.deepEqual(tokensUsedBy("/system"), tokensUsedBy("/same"));
  assert.equal(identity.calls.length, 3);
  assert.equal(entra.calls.length, 1);
});

test("one application with two secrets is two credentials: the wrong one gets nothing", async (t) => {
  const config = routes(
    routeFor("/right", { ...withSecret("right"), scope: foundryScope }),
    routeFor("/wrong", { ...withSecret("wrong"), scope: foundryScope }),
  );
  const { origin } = await runGateway(t, config, { clock, env });
  assert.equal((await call(origin, { ...question, path: "/right" })).status, 200);
  const wrong = await askWhilePassing(origin, clock, { ...question, path: "/wrong" });
  assert.equal(wrong.status, 502);
  assert.equal(foundry.requests.length, 1);
});

test("an object id is not taken for a client id of the same text", async (t) => {
  const config = routes(
    routeFor("/client", { ...user, scope: foundryScope }),
    routeFor("/object", { ...sameTextOtherKind, scope: foundryScope }),
  );
  const { origin } = await runGateway(t, config, { clock, env });
  assert.equal((await call(origin, { ...question, path: "/client" })).status, 200);
  await quiet(clock);
  assert.deepEqual(identity.calls.map(({ selector }) => selector?.parameter).toSorted(), [
    "client_id",
    "object_id",
  ]);
});
