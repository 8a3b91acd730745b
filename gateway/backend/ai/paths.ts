import type { Endpoint } from "../../config/run/backend.ts";
import type { Operation } from "./operation.ts";

/**
 * The path and query for an operation at one endpoint.
 * @param model the deployment's name
 * @param target the caller's path and query
 */
export type PathFor = (operation: Operation, model: string, target: string) => string;

/** One entry for each kind of endpoint, looked up once for each backend. */
export function compilePath(endpoint: Endpoint): PathFor {
  switch (endpoint.kind) {
    case "caller":
      return (_operation, _model, target) => target;
    case "fixed":
      return () => endpoint.path;
    case "prefix":
      return below(endpoint.prefix);
    case "foundry":
      return besideAnthropic(besideRealtime(below(`/api/projects/${endpoint.project}/openai/v1`)));
    case "azureOpenAI":
      return besideAnthropic(versions[endpoint.version] ?? dated(endpoint.version));
  }
}

/** The versions of Azure OpenAI's API that are not dates. */
const versions: Readonly<Record<string, PathFor>> = {
  v1: below("/openai/v1"),
  preview: ({ name, query }) => withVersion(`/openai/v1/${name}${query}`, "preview"),
};

function below(root: string): PathFor {
  return ({ name, query }) => `${root}/${name}${query}`;
}

/** The older API: the deployment in the path, save for what belongs to none, such as responses. */
function dated(version: string): PathFor {
  return ({ name, query, ofDeployment }, model) =>
    withVersion(
      ofDeployment
        ? `/openai/deployments/${encodeURIComponent(model)}/${name}${query}`
        : `/openai/${datedNames[name] ?? name}${query}`,
      version,
    );
}

/** What dated versions call otherwise. */
const datedNames: Readonly<Record<string, string>> = {
  "realtime/sessions": "realtimeapi/sessions",
};

/** Azure documents the Realtime API at the resource alone; projects have none of their own. */
function besideRealtime(otherwise: PathFor): PathFor {
  const atResource = below("/openai/v1");
  return (operation, model, target) =>
    (operation.name.startsWith("realtime") ? atResource : otherwise)(operation, model, target);
}

/** Claude answers to Anthropic's own API, which has no versions and knows no projects. */
function besideAnthropic(otherwise: PathFor): PathFor {
  return (operation, model, target) =>
    operation.anthropic
      ? `/anthropic/v1/${operation.name}${operation.query}`
      : otherwise(operation, model, target);
}

function withVersion(target: string, version: string): string {
  return `${target}${target.includes("?") ? "&" : "?"}api-version=${version}`;
}
