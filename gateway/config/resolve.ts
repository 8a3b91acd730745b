import type { Path, Problem } from "./problem.ts";
import { formatPath } from "./problem.ts";
import { readinessPort } from "./cross-check.ts";
import type { Tree } from "./read.ts";
import type { Address, Bind, Config, Listener, Route, ServerTls } from "./run.ts";
import type { Backend } from "./run/backend.ts";
import type { HeaderEdits } from "./run/policies.ts";
import { type PlacedBind, type PlacedListener, type PlacedRoute, lower } from "./lower.ts";
import { resolveBackends } from "./resolve-backend.ts";
import { resolvePolicies, resolveRetry } from "./resolve-policies.ts";
import { resolveMatch } from "./resolve-route.ts";
import { isGuarded, spendsCredential } from "./guarded.ts";
import { identity } from "./identity.ts";
import { pemReader } from "./pem.ts";
import type { Resolving } from "./resolving.ts";
import type { CheckedConfig } from "./written.ts";

const defaultReadiness: Address = { host: undefined, port: readinessPort };
/** 32 MiB: images and long contexts travel in chat bodies. */
const defaultRequestBody = 32 * 1024 * 1024;

/** Config as written -> config as run; what cannot run goes to `report`. */
export function resolve(
  written: CheckedConfig,
  tree: Tree,
  readFile: (path: string) => string,
  report: (problem: Problem) => void,
  warn: (problem: Problem) => void,
): Config {
  const problem = (path: Path, message: string) =>
    report({ ...tree.at(path), path: formatPath(path), message });
  const warning = (path: Path, message: string) =>
    warn({ ...tree.at(path), path: formatPath(path), message });
  const resolving: Resolving = { pem: pemReader(readFile, problem), problem, warning };

  const binds = lower(written, resolving).map((bind) => resolveBind(bind, resolving));
  const readiness = resolveReadiness(written.config?.readinessAddr);
  return {
    readiness,
    limits: { requestBody: written.frontendPolicies?.http?.maxBufferSize ?? defaultRequestBody },
    binds,
  };
}

function resolveReadiness(written: number | string | undefined): Address | undefined {
  if (written === undefined) return defaultReadiness;
  if (written === "off") return undefined;
  if (typeof written === "number") return { ...defaultReadiness, port: written };
  const colon = written.lastIndexOf(":");
  const host = written.slice(0, Math.max(colon, 0)).replaceAll(/[[\]]/g, "");
  return {
    host: host === "" ? defaultReadiness.host : host,
    port: Number(written.slice(colon + 1)),
  };
}

function resolveBind({ port, path, listeners: placed }: PlacedBind, resolving: Resolving): Bind {
  const listeners = placed.map((listener, index) => resolveListener(listener, index, resolving));
  const hostnames = new Set<string>();
  for (const [index, listener] of listeners.entries()) {
    const here = placed[index]?.path ?? path;
    const hostname = listener.hostname ?? "*";
    if (hostnames.has(hostname)) {
      resolving.problem(here, `another listener of this bind already takes hostname ${hostname}`);
    }
    hostnames.add(hostname);
    if (isHttps(placed[index]) !== isHttps(placed[0])) {
      resolving.problem(here, "the listeners of one bind share its socket: all HTTP or all HTTPS");
    }
  }
  return { port, listeners };
}

function isHttps(placed: PlacedListener | undefined): boolean {
  return placed?.listener.protocol === "HTTPS";
}

function resolveListener(
  { listener, path, routes }: PlacedListener,
  index: number,
  resolving: Resolving,
): Listener {
  return {
    name: listener.name ?? `listener${index}`,
    hostname: listener.hostname?.toLowerCase(),
    tls: resolveServerTls(listener, path, resolving),
    routes: routes.map((route) => resolveRoute(route, resolving)),
  };
}

function resolveServerTls(
  listener: PlacedListener["listener"],
  path: Path,
  { pem, problem }: Resolving,
): ServerTls | undefined {
  const { tls } = listener;
  if (listener.protocol !== "HTTPS") {
    if (tls !== undefined) problem([...path, "tls"], "tls needs protocol: HTTPS");
    return undefined;
  }
  if (tls === undefined) {
    problem([...path, "protocol"], "protocol HTTPS needs tls with cert and key");
    return undefined;
  }
  return pem.pair(tls.cert, tls.key, [...path, "tls"]);
}

function resolveRoute(
  { route, fallbackName, path, backends: placed }: PlacedRoute,
  resolving: Resolving,
): Route {
  const backends = placed.flatMap((backend, at) =>
    resolveBackends(backend, route, [...path, "policies"], at, resolving),
  );
  const policies = resolvePolicies(route, [...path, "policies"], resolving);
  const answersItself = policies.redirect !== undefined || policies.directResponse !== undefined;
  if (backends.length === 0 && !answersItself) {
    resolving.problem(path, "expected at least one backend, requestRedirect or directResponse");
  } else if (
    backends.length > 0 &&
    backends.every(({ poolWeight, weight }) => poolWeight * weight === 0)
  ) {
    resolving.problem(
      [...path, "backends"],
      "every backend has weight 0: no request can be served",
    );
  }
  if (new Set(backends.map(({ traffic }) => traffic.kind)).size > 1) {
    resolving.problem(
      [...path, "backends"],
      "ai and host backends cannot share a route: its requests are either understood or carried as they are",
    );
  }
  if (new Set(backends.map(formatsOf)).size > 1) {
    resolving.problem(path, "the backends of a route share one policies.ai.routes");
  }
  if (new Set(backends.map(guardsOf)).size > 1) {
    resolving.problem(path, "the backends of a route share one policies.ai.promptGuard");
  }
  checkHeaderCollisions(policies.requestHeaders, backends, path, resolving);
  if (spendsCredential(backends) && !isGuarded(policies)) {
    resolving.warning(
      path,
      "anyone who reaches this route can spend the gateway's credential: add apiKey or jwtAuth with mode strict",
    );
  }
  return {
    name: route.name ?? fallbackName,
    hostnames: (route.hostnames ?? []).map((hostname) => hostname.toLowerCase()),
    matches: (route.matches ?? [{}]).map(resolveMatch),
    policies,
    retry: resolveRetry(route.policies.retry, backends.length),
    backends,
  };
}

/** What a path means is settled before a backend is chosen. */
function formatsOf({ traffic }: Backend): string {
  return JSON.stringify(traffic.kind === "ai" ? (traffic.policy?.routes ?? []) : []);
}

/** What a caller says is checked once, whichever backends are tried; one chosen by its model is the only one. */
function guardsOf({ traffic }: Backend): string {
  const { policy, serves } = traffic.kind === "ai" ? traffic : {};
  const { request = [], response = [] } = policy?.guards ?? {};
  return serves === undefined ? identity({ request, response }) : "";
}

/** A header that a policy sets must not be the one that carries a backend's credential. */
function checkHeaderCollisions(
  { add, set }: HeaderEdits,
  backends: readonly Backend[],
  path: Path,
  { problem }: Resolving,
): void {
  const written = [...add, ...set].map(([name]) => name);
  for (const { auth, name } of backends) {
    const header = auth.kind === "azure" ? "authorization" : auth.kind === "key" ? auth.header : "";
    if (written.includes(header)) {
      problem(
        [...path, "policies", "requestHeaderModifier"],
        `${header} carries the credential for backend ${name}`,
      );
    }
  }
}
