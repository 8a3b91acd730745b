import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { askAzureIdentity } from "./azure-identity.ts";
import { startIdentityEndpoint } from "./identity-endpoint.ts";
import { createTokens } from "./tokens.ts";

const tokens = createTokens();
const user = {
  name: "gateway",
  clientId: "11111111-1111-1111-1111-111111111111",
  objectId: "22222222-2222-2222-2222-222222222222",
  resourceId:
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gateway",
};
const system = { name: "system", clientId: "33333333", objectId: "44444444" };
const endpoint = await startIdentityEndpoint({
  tokens,
  systemAssigned: system,
  userAssigned: [user],
});
beforeEach(() => endpoint.reset());
after(() => endpoint.close());

const scope = "https://ai.azure.com/.default";
const ask = (options: object, scopes: readonly string[] = [scope]) =>
  askAzureIdentity(
    { credential: { kind: "managedIdentity", options }, scopes },
    endpoint.environment,
  );

for (const { options, selector, identity } of [
  { options: {}, selector: undefined, identity: "system" },
  {
    options: { clientId: user.clientId },
    selector: { parameter: "client_id", value: user.clientId },
    identity: "gateway",
  },
  {
    options: { objectId: user.objectId },
    selector: { parameter: "object_id", value: user.objectId },
    identity: "gateway",
  },
  {
    options: { resourceId: user.resourceId },
    selector: { parameter: "mi_res_id", value: user.resourceId },
    identity: "gateway",
  },
]) {
  const by = selector?.parameter ?? "nothing: system-assigned";
  test(`@azure/identity gets a token for an identity chosen by ${by}`, async () => {
    const [answer] = await ask(options);
    const [call] = endpoint.calls;
    assert.equal(endpoint.calls.length, 1);
    assert.deepEqual(call?.selector, selector);
    assert.equal(call?.resource, "https://ai.azure.com");
    assert.equal(call?.token?.identity, identity);
    assert.equal(call?.token?.audience, "https://ai.azure.com");
    assert.equal(answer?.kind === "token" ? answer.token : answer, call?.token?.token);
  });
}

test("one process asks once per resource, and serves the second time from its cache", async () => {
  const answers = await ask({}, [scope, "https://cognitiveservices.azure.com/.default", scope]);
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ["token", "token", "token"],
  );
  assert.deepEqual(
    endpoint.calls.map(({ resource }) => resource),
    ["https://ai.azure.com", "https://cognitiveservices.azure.com"],
  );
});

test("an unknown identity is refused with 400, and @azure/identity says why", async () => {
  const [answer] = await ask({ clientId: "99999999-9999-9999-9999-999999999999" });
  assert.equal(answer?.kind, "error");
  assert.match(answer?.kind === "error" ? answer.message : "", /No User Assigned/);
});

test("an outage is an error to @azure/identity", async () => {
  endpoint.always({ kind: "outage" });
  assert.equal((await ask({}))[0]?.kind, "error");
});

test("without an expiry, @azure/identity gives out a token that expires at once", async () => {
  endpoint.always({ kind: "answer", expiry: "absent" });
  const [answer] = await ask({});
  assert.equal(answer?.kind, "token");
  assert.ok(answer?.kind === "token" && answer.expiresAt <= Date.now() + 1000);
});

test("an expiry written as a date is understood", async () => {
  endpoint.next({ kind: "answer", expiry: "iso", lifetimeSeconds: 1000 });
  const [answer] = await ask({});
  assert.equal(answer?.kind, "token");
  assert.equal(endpoint.calls[0]?.token?.audience, "https://ai.azure.com");
});

test("the endpoint keeps its protocol: header, version, resource, one selector", async () => {
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = endpoint.environment;
  const status = async (query: string, header = IDENTITY_HEADER): Promise<number> => {
    const response = await fetch(`${IDENTITY_ENDPOINT}?${query}`, {
      headers: { "x-identity-header": header },
    });
    await response.text();
    return response.status;
  };
  const right = "api-version=2019-08-01&resource=https://ai.azure.com";
  assert.equal(await status(right), 200);
  assert.equal(await status(right, "guessed"), 401);
  assert.equal(await status("api-version=2018-02-01&resource=https://ai.azure.com"), 400);
  assert.equal(await status("api-version=2019-08-01"), 400);
  assert.equal(await status(`${right}/.default`), 400);
  assert.equal(await status(`${right}&client_id=${user.clientId}&object_id=${user.objectId}`), 400);
});

test("throttling carries retry-after, a delay is waited for, a hang ends with the reset", async () => {
  const { IDENTITY_ENDPOINT } = endpoint.environment;
  endpoint.next({ kind: "throttled", retryAfterSeconds: 7 });
  const throttled = await fetch(IDENTITY_ENDPOINT);
  assert.deepEqual([throttled.status, throttled.headers.get("retry-after")], [429, "7"]);

  endpoint.next({ kind: "outage", delayMs: 50 });
  const start = performance.now();
  assert.equal((await fetch(IDENTITY_ENDPOINT)).status, 500);
  assert.ok(performance.now() - start >= 45);

  endpoint.next({ kind: "hang" });
  const hanging = assert.rejects(fetch(IDENTITY_ENDPOINT));
  while (endpoint.calls.length < 3) await new Promise((turn) => setTimeout(turn, 5));
  endpoint.reset();
  await hanging;
});

test("it can refuse connections and come back on the same port", async () => {
  const { IDENTITY_ENDPOINT } = endpoint.environment;
  await endpoint.refuseConnections();
  await assert.rejects(fetch(IDENTITY_ENDPOINT));
  await endpoint.acceptConnections();
  assert.equal((await fetch(IDENTITY_ENDPOINT)).status, 401);
});
