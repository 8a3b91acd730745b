import { isIP } from "node:net";
import { scopeOf } from "../backend/scope.ts";
import type { CheckedBackend, Found, Resolving } from "./resolving.ts";
import type { AzureSource, BackendAuth, ManagedIdentity } from "./run/backend.ts";
import { secret } from "./secret.ts";

type Policies = NonNullable<CheckedBackend["policies"]>;
type CheckedAuth = NonNullable<Policies["backendAuth"]>;
type CheckedAzure = NonNullable<CheckedAuth["azure"]>;

/**
 * @param host of the target, which tells the scope of its tokens
 * @param unsaid where the config says nothing: Azure's own providers are called with an identity
 */
export function resolveAuth(
  { value, path }: Found<CheckedAuth | undefined>,
  host: string,
  unsaid: "none" | "implicit",
  { pem, problem }: Resolving,
): BackendAuth {
  if (value === undefined) {
    return unsaid === "none"
      ? { kind: "none" }
      : { kind: "azure", source: { kind: "implicit" }, scope: scopeOf(host) };
  }
  if (value.azure !== undefined) {
    if (isIP(host) !== 0 && value.azure.scope === undefined) {
      problem(
        [...path, "azure"],
        `${host} does not say which Azure service it is: set scope, such as https://cognitiveservices.azure.com/.default`,
      );
    }
    return {
      kind: "azure",
      source: resolveSource(value.azure),
      scope: value.azure.scope ?? scopeOf(host),
    };
  }
  if (value.key === undefined) return { kind: "passthrough" };
  if (typeof value.key === "string") return bearer(value.key);
  const { header } = value.key.location ?? {};
  const text = value.key.file === undefined ? value.key.value : pem.text(value.key.file)?.trim();
  const { header: defaultHeader, prefix: defaultPrefix } = bearer("");
  return {
    kind: "key",
    header: header?.name.toLowerCase() ?? defaultHeader,
    prefix: header === undefined ? defaultPrefix : (header.prefix ?? ""),
    value: secret(text ?? ""),
  };
}

function bearer(value: string) {
  return { kind: "key", header: "authorization", prefix: "Bearer ", value: secret(value) } as const;
}

function resolveSource({ explicitConfig, implicit, developerImplicit }: CheckedAzure): AzureSource {
  if (implicit !== undefined) return { kind: "implicit" };
  if (developerImplicit !== undefined) return { kind: "developerImplicit" };
  const written = explicitConfig?.clientSecret;
  if (written !== undefined) {
    return {
      kind: "clientSecret",
      tenantId: written.tenantId ?? written.tenant_id ?? "",
      clientId: written.clientId ?? written.client_id ?? "",
      clientSecret: secret(written.clientSecret ?? written.client_secret ?? ""),
    };
  }
  const managed = explicitConfig?.managedIdentity;
  if (managed === undefined) return { kind: "workloadIdentity" };
  return { kind: "managedIdentity", identity: resolveIdentity(managed) };
}

type CheckedManaged = NonNullable<NonNullable<CheckedAzure["explicitConfig"]>["managedIdentity"]>;

function resolveIdentity(managed: CheckedManaged | null): ManagedIdentity {
  const id = managed?.userAssignedIdentity;
  if (id?.clientId !== undefined) return { kind: "clientId", id: id.clientId };
  if (id?.objectId !== undefined) return { kind: "objectId", id: id.objectId };
  if (id?.resourceId !== undefined) return { kind: "resourceId", id: id.resourceId };
  return { kind: "systemAssigned" };
}
