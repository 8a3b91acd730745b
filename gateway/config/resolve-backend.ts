import { isIP } from "node:net";
import { scopeOf } from "../backend/scope.ts";
import type { Path } from "./problem.ts";
import type { CheckedBackend, CheckedPolicies, Resolving } from "./resolving.ts";
import type {
  AzureSource,
  Backend,
  BackendAuth,
  ClientTls,
  ManagedIdentity,
  Traffic,
} from "./run.ts";
import { secret } from "./secret.ts";

type Policies = NonNullable<CheckedBackend["policies"]>;
type CheckedAuth = NonNullable<Policies["backendAuth"]>;
type CheckedAzure = NonNullable<CheckedAuth["azure"]>;
type CheckedTls = NonNullable<Policies["backendTLS"]>;

/** A policy and where it was found: the innermost level that has it wins, whole. */
type Found<Policy> = { readonly value: Policy | undefined; readonly path: Path };

export function resolveBackend(
  backend: CheckedBackend,
  routePolicies: CheckedPolicies,
  index: number,
  path: Path,
  resolving: Resolving,
): Backend {
  const levels: readonly { policies: Policies | undefined; path: Path }[] = [
    { policies: backend.ai?.policies, path: [...path, "ai", "policies"] },
    { policies: backend.policies, path: [...path, "policies"] },
    { policies: routePolicies, path: [...path.slice(0, -2), "policies"] },
  ];
  const find = <Name extends keyof Policies>(name: Name): Found<Policies[Name]> => {
    const level = levels.find(({ policies }) => policies?.[name] !== undefined);
    return { value: level?.policies?.[name], path: [...(level?.path ?? path), name] };
  };

  const authority = backend.ai?.hostOverride ?? backend.host ?? "";
  const colon = authority.lastIndexOf(":");
  const host = authority.slice(0, colon).replaceAll(/[[\]]/g, "").toLowerCase();
  const port = Number(authority.slice(colon + 1));
  return {
    name: backend.ai?.name ?? backend.host ?? `backend${index}`,
    weight: backend.weight ?? 1,
    target: { host, port, tls: resolveTls(find("backendTLS"), port, resolving) },
    auth: resolveAuth(find("backendAuth"), host, resolving),
    traffic: resolveTraffic(backend),
  };
}

function resolveTraffic({ ai }: CheckedBackend): Traffic {
  if (ai === undefined) return { kind: "transparent" };
  return { kind: "ai", model: ai.provider.openAI?.model, path: ai.pathOverride };
}

/** TLS with system roots whenever the port is 443; agentgateway would speak plain text to it. */
function resolveTls(
  { value, path }: Found<CheckedTls | null | undefined>,
  port: number,
  { pem }: Resolving,
): ClientTls | undefined {
  if (value === undefined && port !== 443) return undefined;
  const { root, cert, key, hostname, insecure, insecureHost } = value ?? {};
  return {
    roots: root === undefined ? undefined : pem.certificates(root, [...path, "root"]),
    client: cert === undefined || key === undefined ? undefined : pem.pair(cert, key, path),
    serverName: hostname,
    verify: insecure === true ? "none" : insecureHost === true ? "chain" : "full",
  };
}

function resolveAuth(
  { value, path }: Found<CheckedAuth | undefined>,
  host: string,
  { pem, problem }: Resolving,
): BackendAuth {
  if (value === undefined) return { kind: "none" };
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

function resolveSource({ explicitConfig }: CheckedAzure): AzureSource {
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
