import { isRecord } from "../gateway/config/written/object.ts";
import type { InputProblem } from "./invalid-input.ts";

/** The policies of `callers`, by their names in the gateway's configuration. */
export type InboundPolicies = Readonly<Record<string, unknown>>;

const checks = ["apiKey", "jwtAuth", "basicAuth"] as const;

/**
 * Adds the inbound policies to every route that has no check of its own, in place.
 * @param config a configuration the gateway has taken: its shape is known
 */
export function addInboundPolicies(config: unknown, policies: InboundPolicies): void {
  for (const { route } of routesOf(config)) {
    const own = isRecord(route.policies) ? route.policies : {};
    if (!checks.some((check) => own[check] !== undefined)) {
      route.policies = { ...policies, ...own };
    }
  }
}

/**
 * A problem for each route that would spend the identity's money for callers nobody checked:
 * it carries a credential, and no check of it is strict (the default mode).
 */
export function checkNoneOpen(config: unknown): readonly InputProblem[] {
  return routesOf(config)
    .filter(({ route }) => hasCredential(route) && isOpen(route.policies))
    .map(({ route, path }) => ({
      input: `gateway.${path}`,
      message: `${named(route)}sends a credential for callers it does not check: expected a strict apiKey or jwtAuth policy, or callers.anonymous: true`,
    }));
}

function isOpen(policies: unknown): boolean {
  if (!isRecord(policies)) return true;
  const found = checks.flatMap((check) => {
    const policy = policies[check];
    return isRecord(policy) ? [policy.mode ?? "strict"] : [];
  });
  return found.length === 0 || found.some((mode) => mode !== "strict");
}

/** Backend credentials stand in the route's policies, the backend's, or the AI provider's. */
function hasCredential(route: Record<string, unknown>): boolean {
  const backends: readonly unknown[] = Array.isArray(route.backends) ? route.backends : [];
  return [route, ...backends, ...backends.map((backend) => isRecord(backend) && backend.ai)].some(
    (place) =>
      isRecord(place) && isRecord(place.policies) && isCredential(place.policies.backendAuth),
  );
}

/** `passthrough` sends what the caller brought. */
function isCredential(auth: unknown): boolean {
  return isRecord(auth) && auth.passthrough === undefined;
}

type Place = { readonly route: Record<string, unknown>; readonly path: string };

function routesOf(config: unknown): readonly Place[] {
  return below([{ value: config, path: "" }], "binds", "listeners", "routes").flatMap(
    ({ value, path }) => (isRecord(value) ? [{ route: value, path }] : []),
  );
}

type Found = { readonly value: unknown; readonly path: string };

function below(found: readonly Found[], ...keys: readonly string[]): readonly Found[] {
  const [key, ...rest] = keys;
  if (key === undefined) return found;
  const next = found.flatMap(({ value, path }) => {
    const items: unknown = isRecord(value) ? value[key] : undefined;
    if (!Array.isArray(items)) return [];
    const stem = path === "" ? key : `${path}.${key}`;
    return items.map((item: unknown, index) => ({ value: item, path: `${stem}[${index}]` }));
  });
  return below(next, ...rest);
}

function named(route: Record<string, unknown>): string {
  return typeof route.name === "string" ? `route ${route.name} ` : "this route ";
}
