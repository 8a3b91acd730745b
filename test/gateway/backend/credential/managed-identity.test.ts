// The real @azure/identity against Container Apps' protocol. It and MSAL keep what they can for the
// whole process (a cache, the network client, the endpoint), which is why this file has one to itself.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { ManagedIdentityApplication } from "@azure/msal-node";
import { acquireFrom } from "../../../../gateway/backend/credential/source.ts";
import type { AzureSource, ManagedIdentity } from "../../../../gateway/config/run/backend.ts";
import { startIdentityEndpoint } from "../../../stand-in/identity-endpoint.ts";
import type { IssuerBehaviour } from "../../../stand-in/issuer-behaviour.ts";
import { createTokens } from "../../../stand-in/tokens.ts";
import { failureIn, outcomeOf, tokenIn } from "./outcome.ts";

const tokens = createTokens();
const user = {
  name: "gateway",
  clientId: "11111111-1111-1111-1111-111111111111",
  objectId: "22222222-2222-2222-2222-222222222222",
  resourceId:
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gateway",
};
const other = { name: "other", clientId: "66666666", objectId: "77777777", resourceId: "/other" };
const endpoint = await startIdentityEndpoint({
  tokens,
  systemAssigned: { name: "system", clientId: "33333333", objectId: "44444444" },
  userAssigned: [user, other],
});
Object.assign(process.env, endpoint.environment);
beforeEach(() => endpoint.reset());
after(() => endpoint.close());

const foundry = "https://ai.azure.com/.default";
const openAi = "https://cognitiveservices.azure.com/.default";
const sourceOf = (identity: ManagedIdentity): AzureSource => ({
  kind: "managedIdentity",
  identity,
});
const system = sourceOf({ kind: "systemAssigned" });
const ask = (source: AzureSource, scope = foundry, signal?: AbortSignal) =>
  outcomeOf(acquireFrom(source, scope, process.env), source, signal);

const identities: readonly {
  readonly identity: ManagedIdentity;
  readonly selector: { readonly parameter: string; readonly value: string } | undefined;
  readonly name: string;
}[] = [
  { identity: { kind: "systemAssigned" }, selector: undefined, name: "system" },
  {
    identity: { kind: "clientId", id: user.clientId },
    selector: { parameter: "client_id", value: user.clientId },
    name: "gateway",
  },
  {
    identity: { kind: "objectId", id: user.objectId },
    selector: { parameter: "object_id", value: user.objectId },
    name: "gateway",
  },
  {
    identity: { kind: "resourceId", id: user.resourceId },
    selector: { parameter: "mi_res_id", value: user.resourceId },
    name: "gateway",
  },
];

test("the first call of the process being given up does not affect the others", async () => {
  // MSAL keeps the network client of the first call: were its signal kept too, all would end here.
  const spent = AbortSignal.abort(new Error("spent"));
  failureIn(await ask(system, foundry, spent));
  tokenIn(await ask(system));
});

for (const { identity, selector, name } of identities) {
  test(`${identity.kind} asks with ${selector?.parameter ?? "no id"}, for the scope's resource`, async () => {
    const token = tokenIn(await ask(sourceOf(identity)));
    const [call, ...more] = endpoint.calls;
    assert.equal(more.length, 0);
    assert.deepEqual(call?.selector, selector);
    assert.equal(call?.resource, "https://ai.azure.com");
    assert.equal(tokens.find(token)?.identity, name);
  });
}

test("each call is a new one, though the last token is good for a day", async () => {
  const given = [
    tokenIn(await ask(system)),
    tokenIn(await ask(system)),
    tokenIn(await ask(system)),
  ];
  assert.equal(endpoint.calls.length, 3);
  assert.equal(new Set(given).size, 3);
  // A kept one would have been closed by the time of the next call.
  assert.equal(endpoint.connections.tcp, 3);
});

const cache = (): unknown => Reflect.get(ManagedIdentityApplication, "nodeStorage");

test("the cache that MSAL keeps for the process is still where it is reset", async () => {
  const said =
    "msal-node keeps its managed identity cache elsewhere: see forgetTokens in source.ts";
  await ask(system);
  const before = cache();
  assert.equal(typeof before, "object", said);
  await ask(system);
  assert.equal(typeof cache(), "object", said);
  assert.notEqual(cache(), before, said);
});

test("200 calls at a time, of 5 identities for 2 scopes, each get a token of their own", async () => {
  const another = { identity: { kind: "clientId", id: other.clientId }, name: "other" } as const;
  const sources = [...identities, another].map(({ identity, name }) => ({
    source: sourceOf(identity),
    name,
  }));
  const asked = Array.from({ length: 20 }, () =>
    sources.flatMap(({ source, name }) =>
      [foundry, openAi].map(async (scope) => ({
        name,
        scope,
        token: tokenIn(await ask(source, scope)),
      })),
    ),
  );
  const given = await Promise.all(asked.flat());
  assert.equal(given.length, 200);
  assert.equal(endpoint.calls.length, 200);
  assert.equal(new Set(given.map(({ token }) => token)).size, 200);
  for (const { name, scope, token } of given) {
    const record = tokens.find(token);
    assert.deepEqual([record?.identity, `${record?.audience}/.default`], [name, scope]);
  }
});

const failures: readonly { readonly behaviour: IssuerBehaviour; readonly said: RegExp }[] = [
  { behaviour: { kind: "outage" }, said: /^localhost:\d+\/msi\/token answered 500; / },
  { behaviour: { kind: "throttled", retryAfterSeconds: 60 }, said: /answered 429; .*Too many/ },
  { behaviour: { kind: "status", status: 404, body: {} }, said: /answered 404; / },
  { behaviour: { kind: "noAnswer" }, said: /msi\/token: socket hang up; / },
];
for (const { behaviour, said } of failures) {
  const status = "status" in behaviour ? ` ${behaviour.status}` : "";
  test(`${behaviour.kind}${status} of the endpoint fails at the first try, and is named`, async () => {
    endpoint.always(behaviour);
    assert.match(failureIn(await ask(system)), said);
    assert.equal(endpoint.calls.length, 1);
  });
}

test("an unknown identity is named as the endpoint names it", async () => {
  const said = failureIn(await ask(sourceOf({ kind: "clientId", id: "unknown" })));
  assert.match(said, /answered 400; .*No User Assigned or Delegated Managed Identity found/);
});

test("a refused connection is named with its address", async () => {
  await endpoint.refuseConnections();
  const said = failureIn(await ask(system));
  await endpoint.acceptConnections();
  assert.match(said, /connect ECONNREFUSED 127\.0\.0\.1:\d+/);
  tokenIn(await ask(system));
});

test("an expiry left out gives a token that expires now, which the broker does not take", async () => {
  endpoint.next({ kind: "answer", expiry: "absent" });
  const outcome = await ask(system);
  // In whole seconds.
  assert.ok(outcome.kind === "token" && outcome.expiresOn <= Date.now() + 1_000);
});

test("a call that is given up closes its connection, and the next one is not affected", async () => {
  endpoint.next({ kind: "hang" });
  const abort = new AbortController();
  const hanging = ask(system, foundry, abort.signal);
  while (endpoint.calls.length === 0) await new Promise((turn) => setTimeout(turn, 5));
  const beside = ask(system, openAi);
  abort.abort(new Error("enough"));
  failureIn(await hanging);
  await endpoint.calls[0]?.received.whenAborted;
  tokenIn(await beside);
  tokenIn(await ask(system));
});
