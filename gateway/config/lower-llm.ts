import type { PlacedRoute } from "./lower.ts";
import type { PlacedBackend } from "./resolve-backend.ts";
import { named } from "./resolve-route.ts";
import type {
  CheckedBackend,
  CheckedLlm,
  CheckedLlmModel,
  CheckedPolicies,
  Resolving,
} from "./resolving.ts";

/**
 * The short form as a route that chooses its backend by the model: by its whole name before one with
 * a `*`, the longer before the shorter, the earlier before the later.
 */
export function lowerLlm(
  llm: CheckedLlm,
  listener: CheckedPolicies | undefined,
  resolving: Resolving,
): PlacedRoute {
  const placed = llm.models.map((model, index) => ({ model, path: ["llm", "models", index] }));
  const { guardrails: shared, ...policies } = llm.policies ?? {};
  const bySpecificity = placed.toSorted((a, b) => specificity(b.model) - specificity(a.model));
  for (const [index, { model, path }] of placed.entries()) {
    const twin = placed.findIndex(
      (other) =>
        other.model.name === model.name &&
        JSON.stringify(other.model.matches) === JSON.stringify(model.matches),
    );
    if (twin !== index)
      resolving.problem(path, `llm.models[${twin}] takes every request for ${model.name} already`);
  }
  return {
    route: {
      matches: [{ path: { pathPrefix: llm.pathPrefix ?? "/" } }],
      policies: { ...listener, ...policies },
    },
    fallbackName: "llm",
    path: ["llm"],
    backends: bySpecificity.map(({ model, path }): PlacedBackend => ({
      backend: backendOf(model, together(shared, model.guardrails)),
      serves: {
        name: model.name,
        headers: (model.matches ?? []).map(({ headers = [] }) =>
          headers.map((header) => ({ ...named(header), name: header.name.toLowerCase() })),
        ),
      },
      path,
      policyPath: (name) => [...path, policyNames[name] ?? name],
      guardPath(phase, index) {
        const before = shared?.[phase]?.length ?? 0;
        return index < before
          ? ["llm", "policies", "guardrails", phase, index]
          : [...path, "guardrails", phase, index - before];
      },
    })),
  };
}

/** What the short form calls a backend's policy. */
const policyNames: Readonly<Record<string, string>> = { backendAuth: "auth", backendTLS: "tls" };

function specificity({ name, matches }: CheckedLlmModel): number {
  const star = name.includes("*");
  return (star ? name.length : 1_000_000) + (matches === undefined ? 0 : 0.5);
}

type Guardrails = CheckedLlmModel["guardrails"];

/** Those of all models, then the model's own. */
function together(shared: Guardrails, own: Guardrails): Guardrails {
  if (shared === undefined || own === undefined) return shared ?? own;
  return {
    request: [...(shared.request ?? []), ...(own.request ?? [])],
    response: [...(shared.response ?? []), ...(own.response ?? [])],
  };
}

function backendOf(model: CheckedLlmModel, promptGuard: Guardrails): CheckedBackend {
  const { name, params = {}, auth, tls, health, defaults, overrides } = model;
  const url = params.baseUrl === undefined ? undefined : new URL(params.baseUrl);
  return {
    ai: {
      name,
      provider: providerOf(model),
      hostOverride: url === undefined ? params.hostOverride : authorityOf(url),
      pathPrefix: url?.pathname ?? params.pathPrefix,
    },
    policies: {
      backendAuth: auth ?? keyOf(params.apiKey),
      backendTLS: tls ?? (url?.protocol === "https:" ? {} : undefined),
      health,
      ai:
        (defaults ?? overrides ?? promptGuard) === undefined
          ? undefined
          : { defaults, overrides, promptGuard },
    },
  };
}

function providerOf({ provider, params = {} }: CheckedLlmModel) {
  const { model, azureResourceName, azureResourceType } = params;
  if (provider !== "azure") return { openAI: { model } };
  return {
    azure: {
      // The grammar has made sure of both.
      resourceName: azureResourceName ?? "",
      resourceType: azureResourceType ?? ("openAI" as const),
      projectName: params.azureProjectName,
      apiVersion: params.azureApiVersion,
      model,
    },
  };
}

function authorityOf(url: URL): string {
  return `${url.hostname}:${url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port}`;
}

/** In the header that every API of Azure takes a key in. */
function keyOf(written: string | { readonly file: string } | undefined) {
  if (written === undefined) return undefined;
  const location = { header: { name: "api-key" } };
  return typeof written === "string"
    ? { key: { value: written, location } }
    : { key: { file: written.file, location } };
}
