// The part of Azure that the gateway meets, with one identity of each kind.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAuthority } from "../stand-in/certificate.ts";
import { type Entra, startEntra } from "../stand-in/entra.ts";
import { type Foundry, startFoundry } from "../stand-in/foundry.ts";
import { type IdentityEndpoint, startIdentityEndpoint } from "../stand-in/identity-endpoint.ts";
import { type Tokens, createTokens } from "../stand-in/tokens.ts";

export const tenantId = "11111111-1111-1111-1111-111111111111";
export const application = {
  name: "application",
  clientId: "22222222-2222-2222-2222-222222222222",
  clientSecret: "the-client-secret",
};
export const workload = {
  name: "workload",
  clientId: "33333333-3333-3333-3333-333333333333",
  federatedToken: "the-federated-token",
};
export const system = {
  name: "system-assigned",
  clientId: "44444444-4444-4444-4444-444444444444",
  objectId: "55555555-5555-5555-5555-555555555555",
};
export const user = {
  name: "user-assigned",
  clientId: "66666666-6666-6666-6666-666666666666",
  objectId: "77777777-7777-7777-7777-777777777777",
  resourceId:
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gateway",
};

export type Azure = {
  readonly foundry: Foundry;
  readonly identity: IdentityEndpoint;
  readonly entra: Entra;
  readonly tokens: Tokens;
  /** For files of the test; `ca.pem` is there. */
  readonly directory: string;
  /** PEM of the authority behind the certificates. */
  readonly authority: string;
  /** A container app's environment: the identity endpoint, Entra, and the roots to trust. */
  readonly environment: Readonly<Record<string, string>>;
  /** The same for a pod with a workload identity, which has no identity endpoint. */
  readonly podEnvironment: Readonly<Record<string, string>>;
  reset(): void;
  close(): Promise<void>;
};

/** @param names for which the Foundry's certificate is valid, besides localhost */
export async function startAzure(...names: readonly string[]): Promise<Azure> {
  const directory = await mkdtemp(join(tmpdir(), "foundry-gateway-"));
  const authority = await makeAuthority();
  const tokens = createTokens();
  const certificate = await authority.serverCertificate(...names);
  const foundry = await startFoundry({ tokens, certificate });
  const identity = await startIdentityEndpoint({
    tokens,
    systemAssigned: system,
    userAssigned: [user],
  });
  const entra = await startEntra({
    tokens,
    certificate,
    tenantId,
    applications: [application, workload],
  });
  const roots = await authority.environment(directory);
  return {
    foundry,
    identity,
    entra,
    tokens,
    directory,
    authority: authority.cert,
    environment: { ...roots, ...entra.environment, ...identity.environment },
    podEnvironment: { ...roots, ...(await entra.workloadEnvironment(workload, directory)) },
    reset() {
      for (const standIn of [foundry, identity, entra]) standIn.reset();
    },
    async close() {
      await Promise.all([foundry.close(), identity.close(), entra.close()]);
      await rm(directory, { recursive: true });
    },
  };
}
