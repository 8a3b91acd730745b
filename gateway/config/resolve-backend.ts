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
import type { GuardPath } from "./resolve-prompt-guard.ts";
import { type WrittenEndpoint, authorityOf, isAzure, modelTraffic } from "./resolve-endpoint.ts";
import { resolveTls } from "./resolve-tls.ts";
import type { Backend, Eviction, ModelMatch, PhaseTimeouts } from "./run/backend.ts";

type Policies = NonNullable<CheckedBackend["policies"]>;

/** One entry of a route's `backends`, and where it stands. */
export type PlacedBackend = {
  readonly backend: CheckedBackend;
  readonly serves: ModelMatch | undefined;
  readonly path: Path;
  /** Where a policy of its own would be written. */
  policyPath(name: keyof Policies): Path;
  /** Where its prompt guards are written, if not in a `promptGuard` below `policies.ai`. */
  readonly guardPath?: GuardPath;
};

/** A target as written, alone or in a group. */
type Member = {
  readonly name: string | undefined;
  readonly authority: string;
  readonly policies: Policies | undefined;
  readonly endpoint: WrittenEndpoint | undefined;
  readonly weight: number;
  readonly group: number;
  readonly path: Path;
};

/** One entry of a route's `backends`, as the backends it stands for. */
export function resolveBackends(
  { backend, serves, path, policyPath, guardPath }: PlacedBackend,
  route: Pick<CheckedRoute, "policies">,
  routePolicies: Path,
  pool: number,
  resolving: Resolving,
): Backend[] {
  return membersOf(backend, path).map((member) => {
    const levels: readonly {
      policies: Policies | undefined;
      at: (name: keyof Policies) => Path;
    }[] = [
      { policies: member.policies, at: (name) => [...member.path, "policies", name] },
      { policies: backend.ai?.policies, at: (name) => [...path, "ai", "policies", name] },
      { policies: backend.policies, at: policyPath },
      { policies: route.policies, at: (name) => [...routePolicies, name] },
    ];
    const find = <Name extends keyof Policies>(name: Name): Found<Policies[Name]> => {
      const level = levels.find(({ policies }) => policies?.[name] !== undefined);
      return { value: level?.policies?.[name], path: level?.at(name) ?? path };
    };
    const { authority, endpoint, weight, group } = member;
    const ai = find("ai");
    if (endpoint === undefined && ai.value?.promptGuard !== undefined) {
      const here = [...ai.path, "promptGuard"];
      resolving.problem(
        here,
        "what goes to a host is carried unread: promptGuard needs ai backends",
      );
    }
    const colon = authority.lastIndexOf(":");
    const host = authority.slice(0, colon).replaceAll(/[[\]]/g, "").toLowerCase();
    const port = Number(authority.slice(colon + 1));
    const unsaid = isAzure(endpoint?.provider) ? "implicit" : "none";
    return {
      name: member.name ?? (authority === "" ? `backend${pool}` : authority),
      pool,
      poolWeight: backend.weight ?? 1,
      group,
      weight,
      target: { host, port, tls: resolveTls(find("backendTLS"), port, resolving) },
      auth: resolveAuth(find("backendAuth"), host, unsaid, resolving),
      traffic:
        endpoint === undefined
          ? { kind: "transparent" }
          : modelTraffic(endpoint, { ...ai, guardPath }, serves, member.path, resolving),
      timeouts: resolveTimeouts(route.policies?.timeout),
      eviction: resolveEviction(find("health").value),
    };
  });
}

function membersOf({ ai, host }: CheckedBackend, path: Path): Member[] {
  const common = { weight: 1, group: 0, policies: undefined, path };
  if (ai === undefined) {
    return [{ ...common, name: host, authority: host ?? "", endpoint: undefined }];
  }
  if (ai.groups === undefined) {
    const endpoint = endpointOf(ai);
    return [{ ...common, name: ai.name, authority: authorityOf(endpoint), endpoint }];
  }
  return ai.groups.flatMap(({ providers }, group) =>
    providers.map((member, index) => {
      const endpoint = endpointOf(member);
      return {
        name: member.name,
        authority: authorityOf(endpoint),
        policies: member.policies,
        endpoint,
        weight: member.weight ?? 1,
        group,
        path: [...path, "ai", "groups", group, "providers", index],
      };
    }),
  );
}

type CheckedAi = NonNullable<CheckedBackend["ai"]>;

function endpointOf({
  provider,
  hostOverride,
  pathOverride,
  pathPrefix,
}: Pick<CheckedAi, keyof WrittenEndpoint>): WrittenEndpoint {
  return { provider, hostOverride, pathOverride, pathPrefix };
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
