import { createHash } from "node:crypto";
import { milliseconds } from "./duration.ts";
import { faultInKeySet } from "./jwk-set.ts";
import type { Path } from "./problem.ts";
import { resolveAuthority, resolvePathRewrite, resolveUrlRewrite } from "./resolve-route.ts";
import type { CheckedPolicies, CheckedRoute, Resolving } from "./resolving.ts";
import type {
  ApiKeyAuth,
  Cors,
  HeaderEdits,
  JwtAuth,
  RateLimit,
  Retry,
  RoutePolicies,
  RouteTimeouts,
} from "./run.ts";

type Checked<Name extends keyof CheckedPolicies> = NonNullable<CheckedPolicies[Name]>;

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
  written: Checked<"timeout"> | undefined,
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

function resolveCors(written: Checked<"cors">): Cors {
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

/** The headers in which OpenAI's, Azure OpenAI's, Anthropic's and Azure AI services' clients send a key. */
const keyLocations = [
  { header: "authorization", prefix: "Bearer " },
  { header: "api-key", prefix: "" },
  { header: "x-api-key", prefix: "" },
  { header: "ocp-apim-subscription-key", prefix: "" },
] as const;

function resolveApiKey(written: Checked<"apiKey">, path: Path, { problem }: Resolving): ApiKeyAuth {
  const keys = written.keys.map(({ key, keyHash, metadata, allowedModels }, index) => ({
    hash: key === undefined ? (keyHash ?? "").slice("sha256:".length).toLowerCase() : sha256(key),
    name: typeof metadata?.["name"] === "string" ? metadata["name"] : `key${index}`,
    allowedModels,
  }));
  for (const [index, { hash }] of keys.entries()) {
    const first = keys.findIndex((other) => other.hash === hash);
    if (first !== index)
      problem([...path, "apiKey", "keys", index], `the same key as keys[${first}]`);
  }
  const header = written.location?.header;
  return {
    mode: written.mode ?? "strict",
    keys,
    locations:
      header === undefined
        ? keyLocations
        : [{ header: header.name.toLowerCase(), prefix: header.prefix ?? "" }],
  };
}

/** Signatures that need no shared secret. */
const asymmetric = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
];

function resolveJwt(
  written: Checked<"jwtAuth">,
  path: Path,
  { pem, problem, warning }: Resolving,
): JwtAuth {
  const { url, file, inline } = written.jwks;
  // A file that is not there has been reported.
  const text = inline ?? (file === undefined ? "" : pem.text(file));
  const fault = url === undefined && text !== undefined ? faultInKeySet(text) : undefined;
  if (fault !== undefined) problem([...path, "jwtAuth", "jwks"], fault);
  if (url !== undefined && isOpenToChange(url)) {
    warning(
      [...path, "jwtAuth", "jwks", "url"],
      "keys fetched over plain HTTP can be replaced by anyone on the way: use https",
    );
  }
  for (const algorithm of written.algorithms ?? []) {
    if (!asymmetric.includes(algorithm)) {
      problem(
        [...path, "jwtAuth", "algorithms"],
        `${algorithm} is not one of ${asymmetric.join(", ")}`,
      );
    }
  }
  return {
    mode: written.mode ?? "strict",
    issuer: written.issuer,
    audiences: written.audiences,
    jwks: url === undefined ? { kind: "inline", text: text ?? "" } : { kind: "url", url },
    algorithms: written.algorithms ?? asymmetric,
    requiredRoles: written.requiredRoles ?? [],
    requiredScopes: written.requiredScopes ?? [],
  };
}

function isOpenToChange(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** Milliseconds; some thirty years. */
const longestInterval = 1e12;

function resolveRateLimit(written: Checked<"localRateLimit">[number]): RateLimit {
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

function resolveEdits(
  written: Checked<"requestHeaderModifier"> | undefined,
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
export function resolveRetry(written: Checked<"retry"> | undefined, backends: number): Retry {
  return {
    attempts: written === undefined ? undefined : (written.attempts ?? Math.max(1, backends - 1)),
    backoff: written?.backoff === undefined ? defaultBackoff : milliseconds(written.backoff),
    codes: written?.codes ?? "default",
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
