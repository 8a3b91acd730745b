import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import { Agent, fetch } from "undici";
import { askAzureIdentity, type CredentialQuestion } from "./azure-identity.ts";
import { makeAuthority } from "./certificate.ts";
import { startEntra } from "./entra.ts";
import { createTokens } from "./tokens.ts";

const directory = await mkdtemp(join(tmpdir(), "entra-"));
const authority = await makeAuthority();
const trust = await authority.environment(directory);
const tokens = createTokens();
const tenantId = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const app = {
  name: "app",
  clientId: "55555555-5555-5555-5555-555555555555",
  clientSecret: "right-secret",
  federatedToken: "kubernetes.projected.token",
};
const entra = await startEntra({
  tokens,
  certificate: await authority.serverCertificate(),
  tenantId,
  applications: [app],
});
const dispatcher = new Agent({ connect: { ca: authority.cert } });
beforeEach(() => entra.reset());
after(async () => {
  await dispatcher.close();
  await entra.close();
  await rm(directory, { recursive: true });
});

const scope = "https://cognitiveservices.azure.com/.default";
const secretOf = (clientSecret: string, tenant = tenantId): CredentialQuestion => ({
  credential: { kind: "clientSecret", tenantId: tenant, clientId: app.clientId, clientSecret },
  scopes: [scope],
});
const environment = { ...trust, ...entra.environment };

test("@azure/identity gets a token for a client secret", async () => {
  const [answer] = await askAzureIdentity(secretOf(app.clientSecret), environment);
  const [call] = entra.calls;
  assert.equal(entra.calls.length, 1);
  assert.equal(call?.credential, "secret");
  assert.equal(call?.scope?.includes(scope), true);
  assert.equal(call?.token?.identity, "app");
  assert.equal(call?.token?.audience, "https://cognitiveservices.azure.com");
  assert.equal(answer?.kind === "token" ? answer.token : answer, call?.token?.token);
});

test("@azure/identity gets a token for a workload identity's assertion", async () => {
  const workload = await entra.workloadEnvironment(app, directory);
  const question: CredentialQuestion = {
    credential: { kind: "workloadIdentity" },
    scopes: [scope, "https://ai.azure.com/.default"],
  };
  const answers = await askAzureIdentity(question, { ...trust, ...workload });
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ["token", "token"],
  );
  assert.deepEqual(
    entra.calls.map(({ credential, token }) => [credential, token?.audience]),
    [
      ["assertion", "https://cognitiveservices.azure.com"],
      ["assertion", "https://ai.azure.com"],
    ],
  );
});

test("another assertion is refused", async () => {
  const stale = { ...app, federatedToken: "someone.elses.token" };
  const workload = await entra.workloadEnvironment(stale, directory);
  const question: CredentialQuestion = {
    credential: { kind: "workloadIdentity" },
    scopes: [scope],
  };
  const [answer] = await askAzureIdentity(question, { ...trust, ...workload });
  assert.match(answer?.kind === "error" ? answer.message : "", /AADSTS700213/);
});

test("a wrong secret and an unknown tenant are refused in Entra's words", async () => {
  const [wrong] = await askAzureIdentity(secretOf("wrong-secret"), environment);
  assert.match(wrong?.kind === "error" ? wrong.message : "", /AADSTS7000215/);
  assert.equal(entra.calls[0]?.token, undefined);

  const other = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
  const [unknown] = await askAzureIdentity(secretOf(app.clientSecret, other), environment);
  assert.equal(unknown?.kind, "error");

  const response = await fetch(`${entra.origin}/${tenantId}/oauth2/v2.0/token`, {
    dispatcher,
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: app.clientId,
      client_secret: "wrong-secret",
      scope,
    }),
  });
  const body: unknown = await response.json();
  assert.equal(response.status, 401);
  assert.partialDeepStrictEqual(body, { error: "invalid_client", error_codes: [7000215] });
});

test("an outage is an error to @azure/identity, and over when the script is", async () => {
  entra.next({ kind: "outage" });
  const [out] = await askAzureIdentity(secretOf(app.clientSecret), environment);
  assert.equal(out?.kind, "error");
  const [back] = await askAzureIdentity(secretOf(app.clientSecret), environment);
  assert.equal(back?.kind, "token");
});

test("a caller's token verifies by the published keys, also after a rotation", async () => {
  const keySet = async () => {
    const response = await fetch(`${entra.origin}/${tenantId}/discovery/v2.0/keys`, { dispatcher });
    // Parsed by jose's own checks.
    return createLocalJWKSet(JSON.parse(await response.text()));
  };
  const expected = { issuer: entra.issuer, audience: "api://gateway" };
  const first = await entra.signCallerToken({ aud: "api://gateway", roles: ["caller"] });
  const { payload, protectedHeader } = await jwtVerify(first, await keySet(), expected);
  assert.equal(protectedHeader.alg, "RS256");
  assert.deepEqual(payload["roles"], ["caller"]);

  const forged = await entra.signCallerToken({ aud: "api://gateway" }, "unpublished");
  await assert.rejects(jwtVerify(forged, await keySet(), expected), /signature/);

  entra.rotateKeys("stay");
  const second = await entra.signCallerToken({ aud: "api://gateway" });
  await jwtVerify(first, await keySet(), expected);
  await jwtVerify(second, await keySet(), expected);

  entra.rotateKeys("go");
  await assert.rejects(jwtVerify(second, await keySet(), expected), /no applicable key/);
});
