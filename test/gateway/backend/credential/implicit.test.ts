// `implicit` finds its identity where Azure's own tools do: a secret in the environment before
// workload identity before managed identity before a login; `developerImplicit` looks at the login
// alone. Each in a process of its own, since the environment is what it is about.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeAuthority } from "../../../stand-in/certificate.ts";
import { startEntra } from "../../../stand-in/entra.ts";
import { startIdentityEndpoint } from "../../../stand-in/identity-endpoint.ts";
import { createTokens } from "../../../stand-in/tokens.ts";

const directory = await mkdtemp(join(tmpdir(), "implicit-"));
const authority = await makeAuthority();
const trusted = await authority.environment(directory);
const tokens = createTokens();
const app = {
  name: "application",
  clientId: "55555555-5555-5555-5555-555555555555",
  clientSecret: "right-secret",
  federatedToken: "kubernetes.projected.token",
};
const tenantId = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const entra = await startEntra({
  tokens,
  certificate: await authority.serverCertificate(),
  tenantId,
  applications: [app],
});
const managed = await startIdentityEndpoint({
  tokens,
  systemAssigned: { name: "system", clientId: "s", objectId: "s" },
  userAssigned: [{ name: "user", clientId: app.clientId, objectId: "u", resourceId: "/u" }],
});
after(async () => {
  await entra.close();
  await managed.close();
  await rm(directory, { recursive: true });
});

/** A login: `az` as far as the SDK asks it. */
const az = join(directory, "az");
await writeFile(
  az,
  `#!/bin/sh\necho '{"accessToken":"token-of-az","expiresOn":"2099-01-01 00:00:00.000000","expires_on":4070908800}'\n`,
);
await chmod(az, 0o755);

const child = fileURLToPath(new URL("implicit-child.ts", import.meta.url));

async function tokenOf(
  kind: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [child, kind], {
    env: { ...trusted, PATH: `${directory}:/usr/bin:/bin`, ...environment },
  });
  return stdout;
}

/** Whose token it is, as the issuers know it. */
async function identityOf(environment: Readonly<Record<string, string>>) {
  return tokens.find(await tokenOf("implicit", environment))?.identity;
}

const workload = await entra.workloadEnvironment(app, directory);
const secret = {
  ...entra.environment,
  AZURE_TENANT_ID: tenantId,
  AZURE_CLIENT_ID: app.clientId,
  AZURE_CLIENT_SECRET: app.clientSecret,
};

test("a secret in the environment comes first", async () => {
  assert.equal(await identityOf({ ...managed.environment, ...workload, ...secret }), "application");
  assert.equal(entra.calls.at(-1)?.credential, "secret");
});

test("workload identity comes second", async () => {
  assert.equal(await identityOf({ ...managed.environment, ...workload }), "application");
  assert.equal(entra.calls.at(-1)?.credential, "assertion");
});

test("managed identity comes third, the user-assigned one where the environment names it", async () => {
  assert.equal(await identityOf(managed.environment), "system");
  const named = { ...managed.environment, AZURE_CLIENT_ID: app.clientId };
  assert.equal(await identityOf(named), "user");
});

test("whoever is logged in is all that developerImplicit looks at", async () => {
  assert.equal(await tokenOf("developerImplicit", managed.environment), "token-of-az");
});
