import type { Path } from "./problem.ts";
import { type GuardPath, resolvePromptGuard } from "./resolve-prompt-guard.ts";
import type { CheckedBackend, CheckedPolicies, Found, Resolving } from "./resolving.ts";
import type { AiPolicy, Endpoint, ModelMatch, ModelTraffic } from "./run/backend.ts";

type CheckedAi = NonNullable<CheckedBackend["ai"]>;
export type CheckedProvider = NonNullable<CheckedAi["provider"]>;
type CheckedAiPolicy = NonNullable<CheckedPolicies["ai"]>;
type FoundAiPolicy = Found<CheckedAiPolicy> & { readonly guardPath: GuardPath | undefined };

/** Where a model is, as one entry of the config says it. */
export type WrittenEndpoint = {
  readonly provider: CheckedProvider | undefined;
  readonly hostOverride: string | undefined;
  readonly pathOverride: string | undefined;
  readonly pathPrefix: string | undefined;
};

const port = 443;

/** `host:port`; the name of a resource is its host's first label. */
export function authorityOf({ provider, hostOverride }: WrittenEndpoint): string {
  if (hostOverride !== undefined) return hostOverride;
  if (provider?.azureOpenAI !== undefined) return `${provider.azureOpenAI.host}:${port}`;
  if (provider?.azure === undefined) return "";
  const { resourceName, resourceType } = provider.azure;
  const domain = isFoundry(resourceType) ? "services.ai.azure.com" : "openai.azure.com";
  return `${resourceName}.${domain}:${port}`;
}

export function modelTraffic(
  written: WrittenEndpoint,
  { value: policy, path: policyPath, guardPath }: FoundAiPolicy,
  serves: ModelMatch | undefined,
  path: Path,
  resolving: Resolving,
): ModelTraffic {
  const { provider } = written;
  const model = (provider?.openAI ?? provider?.azure ?? provider?.azureOpenAI)?.model;
  return {
    kind: "ai",
    model,
    endpoint: resolveEndpoint(written, path, resolving),
    serves,
    policy:
      policy === undefined ? undefined : resolveAiPolicy(policy, policyPath, guardPath, resolving),
  };
}

/** Whether the backend is Azure's by its very kind, and so called with an identity. */
export function isAzure(provider: CheckedProvider | undefined): boolean {
  return (provider?.azure ?? provider?.azureOpenAI) !== undefined;
}

function resolveEndpoint(
  { provider, pathOverride, pathPrefix }: WrittenEndpoint,
  path: Path,
  { warning }: Resolving,
): Endpoint {
  if (pathOverride !== undefined) return { kind: "fixed", path: pathOverride };
  if (pathPrefix !== undefined) return { kind: "prefix", prefix: pathPrefix.replace(/\/+$/, "") };
  if (provider?.azureOpenAI !== undefined)
    return { kind: "azureOpenAI", version: provider.azureOpenAI.apiVersion ?? "v1" };
  if (provider?.azure === undefined) return { kind: "caller" };
  const { resourceName, resourceType, projectName, apiVersion } = provider.azure;
  if (!isFoundry(resourceType)) return { kind: "azureOpenAI", version: apiVersion ?? "v1" };
  if (apiVersion !== undefined && apiVersion !== "v1")
    warning(path, "a Foundry project speaks v1 alone: apiVersion changes nothing");
  return { kind: "foundry", project: projectName ?? resourceName, version: "v1" };
}

function isFoundry(type: "openAI" | "azureOpenAI" | "foundry" | "aiServices"): boolean {
  return type === "foundry" || type === "aiServices";
}

function resolveAiPolicy(
  written: CheckedAiPolicy,
  path: Path,
  guardPath: GuardPath = (...step) => [...path, "promptGuard", ...step],
  resolving: Resolving,
): AiPolicy {
  const routes = Object.entries(written.routes ?? {});
  return {
    defaults: written.defaults ?? {},
    overrides: written.overrides ?? {},
    modelAliases: written.modelAliases ?? {},
    prompts: { prepend: written.prompts?.prepend ?? [], append: written.prompts?.append ?? [] },
    routes: routes.toSorted(([a], [b]) => rank(b) - rank(a)),
    guards: resolvePromptGuard(written.promptGuard, guardPath, resolving),
  };
}

/** The longest first, and what stands for every path last. */
function rank(suffix: string): number {
  return suffix === "*" ? 0 : suffix.length;
}
