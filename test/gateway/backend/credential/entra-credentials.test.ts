// Client secret and workload identity: the real @azure/identity against Entra's token endpoint.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { acquireFrom } from "../../../../gateway/backend/credential/source.ts";
import type { Environment } from "../../../../gateway/config/environment.ts";
import type { AzureSource } from "../../../../gateway/config/run/backend.ts";
import { secret } from "../../../../gateway/config/secret.ts";
import { makeAuthority } from "../../../stand-in/certificate.ts";
import { startEntra } from "../../../stand-in/entra.ts";
import type { IssuerBehaviour } from "../../../stand-in/issuer-behaviour.ts";
import { createTokens } from "../../../stand-in/tokens.ts";
import { trust } from "../../running-gateway.ts";
import { failureIn, outcomeOf, tokenIn } from "./outcome.ts";

const directory = await mkdtemp(join(tmpdir(), "credentials-"));
const authority = await makeAuthority();
trust(authority);
const tokens = createTokens();
const app = {
  name: "app",
  clientId: "55555555-5555-5555-5555-555555555555",
  clientSecret: "sec~ret/with+signs&more=",
  federatedToken: "kubernetes.projected.token",
};
const entra = await startEntra({
  tokens,
  certificate: await authority.serverCertificate(),
  tenantId: "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
  applications: [app],
});
const pod = await entra.workloadEnvironment(app, directory);
beforeEach(() => entra.reset());
after(async () => {
  await entra.close();
  await rm(directory, { recursive: true });
});

const scope = "https://cognitiveservices.azure.com/.default";
const secretOf = (text: string, tenantId = entra.tenantId): AzureSource => ({
  kind: "clientSecret",
  tenantId,
  clientId: app.clientId,
  clientSecret: secret(text),
});
const rightSecret = secretOf(app.clientSecret);
const workload: AzureSource = { kind: "workloadIdentity" };
const ask = (source: AzureSource, env: Environment = entra.environment, signal?: AbortSignal) =>
  outcomeOf(acquireFrom(source, scope, env), source, signal);

for (const { source, env, credential } of [
  { source: rightSecret, env: entra.environment, credential: "secret" },
  { source: workload, env: pod, credential: "assertion" },
]) {
  test(`${source.kind} presents its ${credential} and gets a token for the scope, a new one each time`, async () => {
    const given = [tokenIn(await ask(source, env)), tokenIn(await ask(source, env))];
    for (const call of entra.calls) {
      assert.equal(call.credential, credential);
      assert.equal(call.clientId, app.clientId);
      assert.equal(call.token?.audience, "https://cognitiveservices.azure.com");
    }
    assert.deepEqual(
      entra.calls.map((call) => call.token?.token),
      given,
    );
    assert.equal(new Set(given).size, 2);
  });

  const failures: readonly { readonly behaviour: IssuerBehaviour; readonly said: RegExp }[] = [
    { behaviour: { kind: "outage" }, said: /token answered 500; / },
    { behaviour: { kind: "throttled" }, said: /token answered 429; / },
    { behaviour: { kind: "noAnswer" }, said: /token: socket hang up; / },
  ];
  for (const { behaviour, said } of failures) {
    test(`${source.kind}: ${behaviour.kind} of Entra fails at the first try, and is named`, async () => {
      entra.always(behaviour);
      assert.match(failureIn(await ask(source, env)), said);
      assert.equal(entra.calls.length, 1);
    });
  }

  test(`${source.kind}: a call that is given up closes its connection`, async () => {
    entra.next({ kind: "hang" });
    const abort = new AbortController();
    const hanging = ask(source, env, abort.signal);
    while (entra.calls.length === 0) await new Promise((turn) => setTimeout(turn, 5));
    abort.abort(new Error("enough"));
    failureIn(await hanging);
    await entra.calls[0]?.received.whenAborted;
    tokenIn(await ask(source, env));
  });
}

test("a wrong secret fails in Entra's words, without the secret", async () => {
  const said = failureIn(await ask(secretOf("wrong~secret")));
  assert.match(said, /answered 401; .*AADSTS7000215/);
  assert.doesNotMatch(said, /wrong~secret/);
});

test("an unknown tenant is named with what was asked", async () => {
  const unknown = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
  const said = failureIn(await ask(secretOf(app.clientSecret, unknown)));
  assert.match(said, new RegExp(`/${unknown}/v2.0/.well-known/openid-configuration answered 400`));
});

test("an authority that refuses connections is named with its address", async () => {
  await entra.refuseConnections();
  const said = failureIn(await ask(rightSecret));
  await entra.acceptConnections();
  assert.match(said, /connect ECONNREFUSED 127\.0\.0\.1:\d+/);
});

const { AZURE_AUTHORITY_HOST, ...identity } = pod;
for (const missing of [
  ["AZURE_TENANT_ID"],
  ["AZURE_CLIENT_ID"],
  ["AZURE_FEDERATED_TOKEN_FILE"],
  ["AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"],
  Object.keys(identity),
]) {
  test(`workload identity says that the environment lacks ${missing.join(", ")}, and no more`, async () => {
    const lacking = Object.entries(pod).filter(([name]) => !missing.includes(name));
    const said = failureIn(await ask(workload, Object.fromEntries(lacking)));
    assert.ok(said.includes(`the environment lacks ${missing.join(", ")}, which`), said);
    // Pitfall 4: its failure was hidden behind a message of managed identity.
    assert.doesNotMatch(said, /managed/i);
    assert.equal(entra.requests.length, 0);
  });
}

test("an empty variable is a missing one", async () => {
  const said = failureIn(await ask(workload, { ...pod, AZURE_CLIENT_ID: "" }));
  assert.match(said, /lacks AZURE_CLIENT_ID,/);
});

test("workload identity names the token file that is not there", async () => {
  const file = join(directory, "nowhere");
  const said = failureIn(await ask(workload, { ...pod, AZURE_FEDERATED_TOKEN_FILE: file }));
  assert.match(said, /ENOENT.*nowhere/);
  assert.doesNotMatch(said, /managed/i);
});

test("workload identity reads its token file anew for each call, as Kubernetes rotates it", async () => {
  const file = join(directory, "rotating");
  await writeFile(file, "stale");
  const env = { ...pod, AZURE_FEDERATED_TOKEN_FILE: file };
  assert.match(failureIn(await ask(workload, env)), /AADSTS700213/);
  await writeFile(file, app.federatedToken);
  tokenIn(await ask(workload, env));
});

test("an authority without https is refused, and named", async () => {
  const said = failureIn(await ask(rightSecret, { AZURE_AUTHORITY_HOST: "http://localhost" }));
  assert.match(said, /authorityHost address must use the 'https' protocol/);
  assert.ok(AZURE_AUTHORITY_HOST.startsWith("https:"));
});
