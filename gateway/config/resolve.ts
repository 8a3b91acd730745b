import type { Path, Problem } from "./problem.ts";
import { formatPath } from "./problem.ts";
import { readinessPort } from "./cross-check.ts";
import type { Tree } from "./read.ts";
import type { Address, Bind, Config, Listener, Route, ServerTls } from "./run.ts";
import { resolveBackend } from "./resolve-backend.ts";
import { resolveMatch, resolveUrlRewrite } from "./resolve-route.ts";
import { type PemReader, pemReader } from "./pem.ts";
import type { CheckedConfig } from "./written.ts";

type CheckedBind = CheckedConfig["binds"][number];
type CheckedListener = CheckedBind["listeners"][number];
export type CheckedRoute = NonNullable<CheckedListener["routes"]>[number];

/** What resolving needs from outside and reports back. */
export type Resolving = {
  readonly pem: PemReader;
  problem(path: Path, message: string): void;
  warning(path: Path, message: string): void;
};

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
  const host = written.slice(0, colon).replaceAll(/[[\]]/g, "");
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
    if ((listener.tls === undefined) !== (listeners[0]?.tls === undefined)) {
      resolving.problem(here, "the listeners of one bind share its socket: all HTTP or all HTTPS");
    }
  }
  return { port: bind.port, listeners };
}

function resolveListener(
  listener: CheckedListener,
  index: number,
  path: Path,
  resolving: Resolving,
): Listener {
  const routes = (listener.routes ?? []).map((route, at) =>
    resolveRoute(route, at, [...path, "routes", at], resolving),
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

function resolveRoute(route: CheckedRoute, index: number, path: Path, resolving: Resolving): Route {
  const backends = route.backends.map((backend, at) =>
    resolveBackend(backend, route, at, [...path, "backends", at], resolving),
  );
  if (backends.every(({ weight }) => weight === 0)) {
    resolving.problem(
      [...path, "backends"],
      "every backend has weight 0: no request can be served",
    );
  }
  return {
    name: route.name ?? `route${index}`,
    hostnames: (route.hostnames ?? []).map((hostname) => hostname.toLowerCase()),
    matches: (route.matches ?? [{}]).map(resolveMatch),
    policies: { urlRewrite: resolveUrlRewrite(route, path, resolving) },
    backends,
  };
}
