import { milliseconds } from "./duration.ts";
import type { Path } from "./problem.ts";
import { resolveAuthority, resolvePathRewrite, resolveUrlRewrite } from "./resolve-route.ts";
import { resolveApiKey, resolveJwt } from "./resolve-authentication.ts";
import type { CheckedPolicy, CheckedRoute, Resolving } from "./resolving.ts";
import type {
  Cors,
  HeaderEdits,
  RateLimit,
  Retry,
  RoutePolicies,
  RouteTimeouts,
} from "./run/policies.ts";

/** @param path of the route's policies */
export function resolvePolicies(
  route: CheckedRoute,
  path: Path,
  resolving: Resolving,
): RoutePolicies {
  const policies = route.policies ?? {};
  const { requestRedirect: redirect, directResponse, timeout } = policies;
  return {
    cors: policies.cors === undefined ? undefined : resolveCors(policies.cors),
    jwtAuth:
      policies.jwtAuth === undefined ? undefined : resolveJwt(policies.jwtAuth, path, resolving),
    apiKey:
      policies.apiKey === undefined ? undefined : resolveApiKey(policies.apiKey, path, resolving),
    rateLimits: (policies.localRateLimit ?? []).map(resolveRateLimit),
    timeouts: resolveTimeouts(timeout, [...path, "timeout"], resolving),
    streamKeepAlive: shortest(policies.streamKeepAlive),
    requestHeaders: resolveEdits(
      policies.requestHeaderModifier,
      [...path, "requestHeaderModifier"],
      resolving,
    ),
    responseHeaders: resolveEdits(
      policies.responseHeaderModifier,
      [...path, "responseHeaderModifier"],
      resolving,
    ),
    urlRewrite: resolveUrlRewrite(route, path, resolving),
    redirect:
      redirect === undefined
        ? undefined
        : {
            status: redirect.status ?? 302,
            scheme: redirect.scheme,
            authority:
              redirect.authority === undefined
                ? { kind: "none" }
                : resolveAuthority(redirect.authority),
            path: resolvePathRewrite(
              redirect.path,
              route,
              [...path, "requestRedirect", "path"],
              resolving,
            ),
          },
    directResponse:
      directResponse === undefined
        ? undefined
        : { status: directResponse.status, body: directResponse.body ?? "" },
  };
}

/** Milliseconds; above this Node's timers fire at once. */
const longestTimeout = 24 * 3_600_000;

function resolveTimeouts(
  written: CheckedPolicy<"timeout"> | undefined,
  path: Path,
  { problem }: Resolving,
): RouteTimeouts {
  for (const [name, duration] of Object.entries(written ?? {})) {
    if (duration !== undefined && milliseconds(duration) > longestTimeout) {
      problem([...path, name], "expected at most 24h");
    }
  }
  return {
    request: shortest(written?.requestTimeout, written?.backendRequestTimeout),
    total: shortest(written?.totalTimeout),
  };
}

function resolveCors(written: CheckedPolicy<"cors">): Cors {
  const { maxAge } = written;
  return {
    allowOrigins: written.allowOrigins ?? [],
    allowMethods: written.allowMethods ?? [],
    allowHeaders: written.allowHeaders ?? [],
    exposeHeaders: written.exposeHeaders ?? [],
    allowCredentials: written.allowCredentials ?? false,
    maxAge: typeof maxAge === "string" ? Math.round(milliseconds(maxAge) / 1000) : maxAge,
  };
}

/** Milliseconds; some thirty years. */
const longestInterval = 1e12;

function resolveRateLimit(written: CheckedPolicy<"localRateLimit">[number]): RateLimit {
  return {
    capacity: written.maxTokens,
    perFill: written.tokensPerFill,
    // Numbers that arithmetic on the clock can bear.
    interval: Math.min(Math.max(milliseconds(written.fillInterval), 1), longestInterval),
    unit: written.type ?? "requests",
    per: written.per ?? "route",
  };
}

/** Framing and routing of the connection are not a config's to write. */
const reserved = [
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

export function resolveEdits(
  written: CheckedPolicy<"requestHeaderModifier"> | undefined,
  path: Path,
  { problem }: Resolving,
): HeaderEdits {
  const edits = {
    add: lowerNames(written?.add),
    set: lowerNames(written?.set),
    remove: (written?.remove ?? []).map((name) => name.toLowerCase()),
  };
  for (const [name] of [...edits.add, ...edits.set]) {
    if (reserved.includes(name)) problem(path, `${name} is set by the gateway itself`);
  }
  return edits;
}

function lowerNames(fields: Readonly<Record<string, string>> | undefined) {
  return Object.entries(fields ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
}

/** Milliseconds of the shortest of those given. */
function shortest(...durations: readonly (string | undefined)[]): number | undefined {
  const given = durations.filter((duration) => duration !== undefined);
  return given.length === 0 ? undefined : Math.min(...given.map(milliseconds));
}

const defaultBackoff = 250;

/** @param backends how many there are: written without `attempts`, each of them is tried, or the one twice */
export function resolveRetry(written: CheckedPolicy<"retry"> | undefined, backends: number): Retry {
  return {
    attempts: written === undefined ? undefined : (written.attempts ?? Math.max(1, backends - 1)),
    backoff: written?.backoff === undefined ? defaultBackoff : milliseconds(written.backoff),
    codes: written?.codes ?? "default",
  };
}
