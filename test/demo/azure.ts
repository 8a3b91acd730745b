import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAuthority } from "../stand-in/certificate.ts";
import { type Entra, startEntra } from "../stand-in/entra.ts";
import { type Foundry, startFoundry } from "../stand-in/foundry.ts";
import { type IdentityEndpoint, startIdentityEndpoint } from "../stand-in/identity-endpoint.ts";
import { createTokens } from "../stand-in/tokens.ts";

/** The part of Azure that the gateway meets, on loopback. */
export type Azure = {
  readonly foundry: Foundry;
  readonly identityEndpoint: IdentityEndpoint;
  readonly entra: Entra;
  /** What Azure puts into a container's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the user-assigned identity. */
  readonly objectId: string;
  /** A folder for the configuration. */
  readonly directory: string;
  close(): Promise<void>;
};

const objectId = "0b4c1f7e-5d1c-4a54-9c7e-2f6f5f6b0a11";

export async function startAzure(): Promise<Azure> {
  const directory = await mkdtemp(join(tmpdir(), "foundry-gateway-demo-"));
  const authority = await makeAuthority();
  const certificate = await authority.serverCertificate();
  const tokens = createTokens();
  const foundry = await startFoundry({
    tokens,
    certificate,
    audiences: ["https://ai.azure.com"],
    everyday: { chunkDelayMs: 60 },
  });
  const identityEndpoint = await startIdentityEndpoint({
    tokens,
    userAssigned: [
      { name: "id-gateway", clientId: "5f0e33c1-6a57-4b5e-8a53-0d9a3c2f7e10", objectId },
    ],
  });
  const entra = await startEntra({
    tokens,
    certificate,
    tenantId: "2a1ff7d3-9f1e-4f06-a4b5-7f1f8a4c9d22",
    applications: [],
  });
  return {
    foundry,
    identityEndpoint,
    entra,
    objectId,
    directory,
    environment: {
      ...identityEndpoint.environment,
      ...entra.environment,
      ...(await authority.environment(directory)),
    },
    async close() {
      await Promise.all([foundry.close(), identityEndpoint.close(), entra.close()]);
      await rm(directory, { recursive: true });
    },
  };
}
