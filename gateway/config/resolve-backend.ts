import { resolveAuth } from "./resolve-backend-auth.ts";
import { milliseconds, optionalMilliseconds } from "./duration.ts";
import type { Path } from "./problem.ts";
import type {
  CheckedBackend,
  CheckedPolicies,
  CheckedRoute,
  Found,
  Resolving,
} from "./resolving.ts";
import type { Backend, ClientTls, Eviction, PhaseTimeouts, Traffic } from "./run.ts";

type Policies = NonNullable<CheckedBackend["policies"]>;
type CheckedTls = NonNullable<Policies["backendTLS"]>;

/** A model endpoint as written, alone or in a group. */
type Endpoint = {
  readonly name: string | undefined;
  readonly authority: string;
  readonly policies: Policies | undefined;
  readonly traffic: Traffic;
  readonly weight: number;
  readonly group: number;
  readonly path: Path;
};

/** One entry of a route's `backends`, as the backends it stands for. */
export function resolveBackends(
  backend: CheckedBackend,
  route: Pick<CheckedRoute, "policies">,
  pool: number,
  path: Path,
  resolving: Resolving,
): Backend[] {
  return endpointsOf(backend, path).map((endpoint) => {
    const levels: readonly { policies: Policies | undefined; path: Path }[] = [
      { policies: endpoint.policies, path: [...endpoint.path, "policies"] },
      { policies: backend.ai?.policies, path: [...path, "ai", "policies"] },
      { policies: backend.policies, path: [...path, "policies"] },
      { policies: route.policies, path: [...path.slice(0, -2), "policies"] },
    ];
    const find = <Name extends keyof Policies>(name: Name): Found<Policies[Name]> => {
      const level = levels.find(({ policies }) => policies?.[name] !== undefined);
      return { value: level?.policies?.[name], path: [...(level?.path ?? path), name] };
    };
    const { authority, traffic, weight, group } = endpoint;
    const colon = authority.lastIndexOf(":");
    const host = authority.slice(0, colon).replaceAll(/[[\]]/g, "").toLowerCase();
    const port = Number(authority.slice(colon + 1));
    return {
      name: endpoint.name ?? (authority === "" ? `backend${pool}` : authority),
      pool,
      poolWeight: backend.weight ?? 1,
      group,
      weight,
      target: { host, port, tls: resolveTls(find("backendTLS"), port, resolving) },
      auth: resolveAuth(find("backendAuth"), host, resolving),
      traffic,
      timeouts: resolveTimeouts(route.policies?.timeout),
      eviction: resolveEviction(find("health").value),
    };
  });
}

function endpointsOf({ ai, host }: CheckedBackend, path: Path): Endpoint[] {
  const common = { weight: 1, group: 0, policies: undefined, path };
  if (ai === undefined) {
    return [{ ...common, name: host, authority: host ?? "", traffic: { kind: "transparent" } }];
  }
  if (ai.groups === undefined) {
    const { name, hostOverride: authority = "" } = ai;
    return [{ ...common, name, authority, traffic: modelTraffic(ai.provider, ai.pathOverride) }];
  }
  return ai.groups.flatMap(({ providers }, group) =>
    providers.map((member, index) => ({
      name: member.name,
      authority: member.hostOverride,
      policies: member.policies,
      traffic: modelTraffic(member.provider, member.pathOverride),
      weight: member.weight ?? 1,
      group,
      path: [...path, "ai", "groups", group, "providers", index],
    })),
  );
}

type CheckedProvider = NonNullable<NonNullable<CheckedBackend["ai"]>["provider"]>;

function modelTraffic(provider: CheckedProvider | undefined, path: string | undefined): Traffic {
  return { kind: "ai", model: provider?.openAI?.model, path };
}

function resolveTimeouts(written: CheckedPolicies["timeout"]): PhaseTimeouts {
  const { connectTimeout, firstByteTimeout, idleTimeout } = written ?? {};
  return {
    connect: optionalMilliseconds(connectTimeout),
    firstByte: optionalMilliseconds(firstByteTimeout),
    idle: optionalMilliseconds(idleTimeout),
  };
}

/** Three failures in a row are no accident, and half a minute is how long a restart takes. */
const defaultEviction: Eviction = { consecutiveFailures: 3, duration: 30_000 };

function resolveEviction(health: Policies["health"]): Eviction {
  const { consecutiveFailures, duration } = health?.eviction ?? {};
  return {
    consecutiveFailures: consecutiveFailures ?? defaultEviction.consecutiveFailures,
    duration: duration === undefined ? defaultEviction.duration : milliseconds(duration),
  };
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
