import {
  ClientSecretCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
import { ManagedIdentityApplication } from "@azure/msal-node";
import type { Environment } from "../../config/environment.ts";
import type { AzureSource, ManagedIdentity } from "../../config/run.ts";
import type { Acquire } from "./broker.ts";

/** The SDK retries by itself, for seconds; the broker does so better, within its deadline. */
const oneTry = { retryOptions: { maxRetries: 0 } } as const;

/** Clouds whose authority is known; any other (a private cloud) cannot be looked up at the first. */
const knownAuthorities = [
  "login.microsoftonline.com",
  "login.microsoftonline.us",
  "login.chinacloudapi.cn",
  "login.partner.microsoftonline.cn",
];

/**
 * A function that gets a token for `scope`. It builds the credential anew each time: the SDK's
 * caches would hand the same token back until five minutes before its end, while the broker renews
 * earlier, and after a 401 needs another one.
 */
export function acquireFrom(source: AzureSource, scope: string, env: Environment): Acquire {
  return async (abortSignal) => {
    const token = await build(source, env).getToken(scope, { abortSignal });
    if (token === null) throw new Error("the credential gave no token");
    return { token: token.token, expiresOn: token.expiresOnTimestamp };
  };
}

/** One credential of @azure/identity for each source; its constructor throws when it lacks something. */
function build(source: AzureSource, env: Environment): TokenCredential {
  switch (source.kind) {
    case "clientSecret": {
      const { tenantId, clientId, clientSecret } = source;
      return new ClientSecretCredential(tenantId, clientId, clientSecret.reveal(), authority(env));
    }
    case "managedIdentity":
      forgetTokens();
      return new ManagedIdentityCredential({ ...identityOf(source.identity), ...oneTry });
    case "workloadIdentity":
      return new WorkloadIdentityCredential(authority(env));
  }
}

/**
 * Managed identity tokens are cached by MSAL for the whole process, and neither it nor the SDK
 * offers a way round. The constructor that follows makes a new, empty cache at once.
 */
function forgetTokens(): void {
  Reflect.set(ManagedIdentityApplication, "nodeStorage", undefined);
}

function identityOf(identity: ManagedIdentity) {
  switch (identity.kind) {
    case "systemAssigned":
      return {};
    case "clientId":
      return { clientId: identity.id };
    case "objectId":
      return { objectId: identity.id };
    case "resourceId":
      return { resourceId: identity.id };
  }
}

function authority(env: Environment) {
  const host = env["AZURE_AUTHORITY_HOST"];
  if (host === undefined || host === "") return oneTry;
  const known = knownAuthorities.some((name) => host.replace(/^https:\/\//, "").startsWith(name));
  return { ...oneTry, authorityHost: host, disableInstanceDiscovery: !known };
}
