import {
  AzureCliCredential,
  AzureDeveloperCliCredential,
  ChainedTokenCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
import { ManagedIdentityApplication } from "@azure/msal-node";
import type { Environment } from "../../config/environment.ts";
import type { AzureSource, ManagedIdentity } from "../../config/run/backend.ts";
import type { Acquire } from "./broker.ts";
import { httpClient, onTheWire } from "./wire.ts";

/** The SDK retries by itself, for seconds; the broker does so better, within its deadline. */
const common = { retryOptions: { maxRetries: 0 }, httpClient };

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
  return (abortSignal) =>
    onTheWire(abortSignal, async () => {
      const token = await build(source, env).getToken(scope, { abortSignal });
      if (token === null) throw new Error("the credential gave no token");
      return { token: token.token, expiresOn: token.expiresOnTimestamp };
    });
}

/** One credential of @azure/identity for each source; throws when it lacks something. */
function build(source: AzureSource, env: Environment): TokenCredential {
  switch (source.kind) {
    case "clientSecret": {
      const { tenantId, clientId, clientSecret } = source;
      return new ClientSecretCredential(tenantId, clientId, clientSecret.reveal(), entra(env));
    }
    case "managedIdentity":
      forgetTokens();
      return new ManagedIdentityCredential({ ...identityOf(source.identity), ...common });
    case "workloadIdentity":
      return new WorkloadIdentityCredential({ ...workload(env), ...entra(env) });
    case "implicit":
      return implicit(env);
    case "developerImplicit":
      return new ChainedTokenCredential(...developerTools());
  }
}

/**
 * The order of Azure's own DefaultAzureCredential: what the environment spells out, then what the
 * platform gives, then whoever is logged in. The first that is there is used, also when it fails.
 */
function implicit(env: Environment): TokenCredential {
  const { AZURE_TENANT_ID: tenantId = "", AZURE_CLIENT_ID: clientId = "" } = env;
  const { AZURE_CLIENT_SECRET: secret = "", AZURE_FEDERATED_TOKEN_FILE: tokenFile = "" } = env;
  const identified = tenantId !== "" && clientId !== "";
  if (identified && secret !== "")
    return new ClientSecretCredential(tenantId, clientId, secret, entra(env));
  if (identified && tokenFile !== "")
    return new WorkloadIdentityCredential({ ...workload(env), ...entra(env) });
  forgetTokens();
  const managed = new ManagedIdentityCredential({
    ...(clientId === "" ? {} : { clientId }),
    ...common,
  });
  return new ChainedTokenCredential(managed, ...developerTools());
}

/** They run `az` and `azd`, which must be installed and logged in. */
function developerTools(): readonly TokenCredential[] {
  return [new AzureCliCredential(), new AzureDeveloperCliCredential()];
}

/**
 * Managed identity tokens are cached by MSAL for the whole process, and @azure/identity does not
 * hand on MSAL's `forceRefresh`. MSAL looks for a token in the newest cache only, and the
 * constructor that follows makes one, which is empty: of several calls at a time none can find a
 * token older than itself.
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

/** The SDK would name one that is missing, and speak of managed identity. */
function workload(env: Environment) {
  const {
    AZURE_TENANT_ID: tenantId = "",
    AZURE_CLIENT_ID: clientId = "",
    AZURE_FEDERATED_TOKEN_FILE: tokenFilePath = "",
  } = env;
  const missing = [
    ...(tenantId === "" ? ["AZURE_TENANT_ID"] : []),
    ...(clientId === "" ? ["AZURE_CLIENT_ID"] : []),
    ...(tokenFilePath === "" ? ["AZURE_FEDERATED_TOKEN_FILE"] : []),
  ];
  if (missing.length > 0) {
    throw new Error(
      `the environment lacks ${missing.join(", ")}, which the workload identity webhook sets`,
    );
  }
  return { tenantId, clientId, tokenFilePath };
}

function entra(env: Environment) {
  const host = env["AZURE_AUTHORITY_HOST"];
  if (host === undefined || host === "") return common;
  const known = knownAuthorities.includes(URL.parse(host)?.hostname ?? "");
  return { ...common, authorityHost: host, disableInstanceDiscovery: !known };
}
