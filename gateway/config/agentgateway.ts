import { parse, stringify } from "yaml";
import { type Path, formatPath } from "./problem.ts";
import { isRecord } from "./written/object.ts";

/**
 * A valid configuration in agentgateway's own grammar, without this gateway's additions, and with
 * what is a default here written out where agentgateway has another. References to environment
 * variables stay references. What agentgateway cannot be told stands in comments on top.
 */
export function printAgentgateway(source: string): string {
  const lost: string[] = [];
  const text = stringify(strict(parse(source), { path: [], lost, secured: false }), {
    lineWidth: 0,
  });
  return [...lost.map((line) => `# agentgateway has no ${line}\n`), text].join("");
}

/** This gateway's additions, by the key of the map around them; of a list's items, by the list's. */
const additions: Readonly<Record<string, readonly string[]>> = {
  azure: ["scope"],
  azureContentSafety: ["failureMode"],
  keys: ["allowedModels"],
  jwtAuth: ["requiredRoles", "requiredScopes", "algorithms"],
  localRateLimit: ["per"],
  policies: ["streamKeepAlive"],
  timeout: ["connectTimeout", "firstByteTimeout", "idleTimeout", "totalTimeout"],
  providers: ["weight"],
};

type Plain = Readonly<Record<string, unknown>>;

/** What takes the place of a map, by its key; applied when what is inside has been. */
const rewrites: Readonly<Record<string, (map: Plain, place: Place) => Plain>> = {
  clientSecret: snakeCase,
  apiKey: (map) => ("keys" in map ? { mode: "strict", ...map } : map),
  jwtAuth: (map) => ({ mode: "strict", ...map }),
  listeners: pushDown,
  backends: withTls,
  providers: withTls,
  config: withAddress,
  azureContentSafety: withoutPort,
};

type Place = {
  readonly path: Path;
  readonly lost: string[];
  /** Whether some level around says how to secure a connection to a backend. */
  readonly secured: boolean;
};

function strict(value: unknown, place: Place): unknown {
  const { path, lost } = place;
  if (Array.isArray(value))
    return value.map((item, at) => strict(item, { ...place, path: [...path, at] }));
  if (!isRecord(value)) return value;
  const around = String(path.findLast((step) => typeof step === "string") ?? "");
  const secured = place.secured || "backendTLS" in recordAt(value, "policies");
  const entries = Object.entries(value).flatMap(([key, item]) => {
    const here = [...path, key];
    if (additions[around]?.includes(key) === true) {
      lost.push(formatPath(here));
      return [];
    }
    return [[key, strict(item, { path: here, lost, secured })] as const];
  });
  const map = Object.fromEntries(entries);
  return rewrites[around]?.(map, { ...place, secured }) ?? map;
}

function recordAt(map: Plain, key: string): Plain {
  const { [key]: value } = map;
  return isRecord(value) ? value : {};
}

/** Its parser takes these names only. */
function snakeCase(map: Plain): Plain {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

/** It would speak plain text to port 443. */
function withTls(map: Plain, { secured }: Place): Plain {
  const ai = recordAt(map, "ai");
  const target = ai["hostOverride"] ?? map["host"] ?? map["hostOverride"];
  if (secured || "backendTLS" in recordAt(ai, "policies")) return map;
  if (typeof target !== "string" || !target.endsWith(":443")) return map;
  return { ...map, policies: { ...recordAt(map, "policies"), backendTLS: {} } };
}

/** It calls port 443, and takes what stands behind a colon for a part of the name. */
function withoutPort(map: Plain, { path, lost }: Place): Plain {
  const { endpoint } = map;
  const [, host, port] = /^(.*[^/]):(\d+)\/?$/.exec(String(endpoint)) ?? [];
  if (port === undefined) return map;
  if (port !== "443") lost.push(`${formatPath([...path, "endpoint"])} with a port`);
  return { ...map, endpoint: host };
}

/** What its listeners check themselves; here a listener takes any policy of its routes. */
const listenerPolicies: ReadonlySet<string> = new Set(["jwtAuth", "apiKey"]);

function pushDown(map: Plain): Plain {
  const { policies, ...rest } = map;
  const { routes } = map;
  if (!isRecord(policies) || !Array.isArray(routes)) return map;
  const kept = Object.entries(policies).filter(([name]) => listenerPolicies.has(name));
  const moved = Object.entries(policies).filter(([name]) => !listenerPolicies.has(name));
  const inRoute = (route: unknown) =>
    isRecord(route)
      ? { ...route, policies: { ...Object.fromEntries(moved), ...recordAt(route, "policies") } }
      : route;
  return {
    ...rest,
    routes: moved.length === 0 ? routes : routes.map(inRoute),
    ...(kept.length === 0 ? {} : { policies: Object.fromEntries(kept) }),
  };
}

function withAddress(map: Plain): Plain {
  const { readinessAddr: address } = map;
  return typeof address === "number" ? { ...map, readinessAddr: `[::]:${address}` } : map;
}
