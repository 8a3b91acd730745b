import { startIdentityEndpoint } from "../test/stand-in/identity-endpoint.ts";
import { createTokens } from "../test/stand-in/tokens.ts";
import { upstreamToken } from "./job.ts";

/** The managed identity endpoint, with a token that every upstream knows. */
export async function startIdentity() {
  const tokens = createTokens();
  return startIdentityEndpoint({
    tokens: { ...tokens, mint: (grant) => ({ ...tokens.mint(grant), token: upstreamToken }) },
    systemAssigned: { name: "gateway", clientId: "bench", objectId: "bench" },
  });
}
