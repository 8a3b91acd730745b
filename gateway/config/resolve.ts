import type { Path, Problem } from "./problem.ts";
import { formatPath } from "./problem.ts";
import { readinessPort } from "./cross-check.ts";
import type { Tree } from "./read.ts";
import type {
  Address,
  Backend,
  Bind,
  Config,
  HeaderEdits,
  Listener,
  Route,
  RoutePolicies,
  ServerTls,
} from "./run.ts";
import { resolveBackends } from "./resolve-backend.ts";
import { resolvePolicies, resolveRetry } from "./resolve-policies.ts";
import { resolveMatch } from "./resolve-route.ts";
import { pemReader } from "./pem.ts";
import type {
  CheckedBind,
  CheckedListener,
  CheckedPolicies,
  CheckedRoute,
  Resolving,
} from "./resolving.ts";
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

  const binds = written.binds.map((bind, index) => resolveBind(bind, ["binds", index], resolving));
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

function resolveBind(bind: CheckedBind, path: Path, resolving: Resolving): Bind {
  const listeners = bind.listeners.map((listener, index) =>
    resolveListener(listener, index, [...path, "listeners", index], resolving),
  );
  const hostnames = new Set<string>();
  for (const [index, listener] of listeners.entries()) {
    const here: Path = [...path, "listeners", index];
    const hostname = listener.hostname ?? "*";
    if (hostnames.has(hostname)) {
      resolving.problem(here, `another listener of this bind already takes hostname ${hostname}`);
    }
    hostnames.add(hostname);
    if (isHttps(bind.listeners[index]) !== isHttps(bind.listeners[0])) {
      resolving.problem(here, "the listeners of one bind share its socket: all HTTP or all HTTPS");
    }
  }
  return { port: bind.port, listeners };
}

function isHttps(listener: CheckedListener | undefined): boolean {
  return listener?.protocol === "HTTPS";
}

function resolveListener(
  listener: CheckedListener,
  index: number,
  path: Path,
  resolving: Resolving,
): Listener {
  const routes = (listener.routes ?? []).map((route, at) =>
    resolveRoute(
      { ...route, policies: { ...listener.policies, ...route.policies } },
      at,
      [...path, "routes", at],
      resolving,
    ),
  );
  return {
    name: listener.name ?? `listener${index}`,
    hostname: listener.hostname?.toLowerCase(),
    tls: resolveServerTls(listener, path, resolving),
    routes,
  };
}

function resolveServerTls(
  listener: CheckedListener,
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
  route: CheckedRoute & { readonly policies: CheckedPolicies },
  index: number,
  path: Path,
  resolving: Resolving,
): Route {
  const written = route.backends ?? [];
  const backends = written.flatMap((backend, at) =>
    resolveBackends(backend, route, at, [...path, "backends", at], resolving),
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
  checkHeaderCollisions(policies.requestHeaders, backends, path, resolving);
  const spends = backends.some(({ auth }) => auth.kind === "azure" || auth.kind === "key");
  if (spends && !isGuarded(policies)) {
    resolving.warning(
      path,
      "anyone who reaches this route can spend the gateway's credential: add apiKey or jwtAuth with mode strict",
    );
  }
  return {
    name: route.name ?? `route${index}`,
    hostnames: (route.hostnames ?? []).map((hostname) => hostname.toLowerCase()),
    matches: (route.matches ?? [{}]).map(resolveMatch),
    policies,
    retry: resolveRetry(route.policies.retry, backends.length),
    backends,
  };
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

/** Whether only known callers pass. */
function isGuarded({ apiKey, jwtAuth }: RoutePolicies): boolean {
  const modes = [apiKey?.mode, jwtAuth?.mode].filter((mode) => mode !== undefined);
  return modes.includes("strict");
}
