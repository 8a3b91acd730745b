import type { Endpoint } from "../../config/run/backend.ts";
import { queryText } from "../../request/query-text.ts";
import type { Operation } from "./operation.ts";

/** The query of a session, its model taken out. */
export type RealtimeQuery = {
  /** From `model`, as OpenAI's and Azure's v1 API have it, or `deployment`, as dated versions do. */
  readonly model: string | undefined;
  readonly spelling: "model" | "deployment";
  /** `api-version`, as the caller wrote it. */
  readonly version: readonly string[];
  readonly others: readonly string[];
  /**
   * Whether the model is named elsewhere: in a call that the session joins, or by the session itself,
   * one for transcription.
   */
  readonly elsewhere: boolean;
};

/** Azure's servers read the names of parameters without regard to case. */
const nameOf = (part: string): string => queryText(part.split("=", 1)[0] ?? "").toLowerCase();
const valueOf = (part: string): string =>
  part.includes("=") ? queryText(part.slice(part.indexOf("=") + 1)) : "";

/** @param target the caller's path and query */
export function realtimeQuery(target: string): RealtimeQuery {
  const parts = partsOf(target);
  const named = (...names: readonly string[]) =>
    parts.filter((part) => names.includes(nameOf(part)));
  const deployments = named("deployment");
  const version = named("api-version");
  const known = new Set([...named("model"), ...deployments, ...version]);
  const [model] = [...deployments, ...named("model")].map(valueOf).filter((value) => value !== "");
  const dated = deployments.length > 0 || (version.length > 0 && named("model").length === 0);
  return {
    model,
    spelling: dated ? "deployment" : "model",
    version,
    others: parts.filter((part) => !known.has(part)),
    elsewhere: named("call_id", "intent").length > 0,
  };
}

/** Every model that a query names. */
export function modelsAskedIn(target: string): readonly string[] {
  return partsOf(target)
    .filter((part) => ["model", "deployment"].includes(nameOf(part)))
    .map(valueOf);
}

function partsOf(target: string): readonly string[] {
  const question = target.indexOf("?");
  const query = question === -1 ? "" : target.slice(question + 1);
  return query.split("&").filter((part) => part !== "");
}

/** @param model to be named; undefined where it is named elsewhere */
export type RealtimeTarget = (
  operation: Operation,
  query: RealtimeQuery,
  model: string | undefined,
  target: string,
) => string;

/**
 * Where sessions are, at each kind of endpoint: `/openai/v1/realtime?model=`, and in dated versions
 * `/openai/realtime?api-version=&deployment=` (learn.microsoft.com/azure/foundry/openai/how-to/
 * realtime-audio-websockets). Projects have none of their own.
 */
export function compileRealtimeTarget(endpoint: Endpoint): RealtimeTarget {
  switch (endpoint.kind) {
    case "fixed":
      return () => endpoint.path;
    case "caller":
      return (operation, query, model, target) => {
        const path = target.split("?", 1)[0] ?? "";
        // A deployment in the path is the model, and stays.
        const named = operation.deployment === undefined ? model : undefined;
        return at(path, query, [...query.version, ...naming(query.spelling, named)]);
      };
    case "prefix":
      return ({ name }, query, model) =>
        at(`${endpoint.prefix}/${name}`, query, naming("model", model));
    case "foundry":
      return v1([]);
    case "azureOpenAI":
      if (endpoint.version === "v1") return v1([]);
      if (endpoint.version === "preview") return v1(["api-version=preview"]);
      return ({ name }, query, model) =>
        at(`/openai/${name}`, query, [
          `api-version=${endpoint.version}`,
          ...naming("deployment", model),
        ]);
  }
}

function v1(version: readonly string[]): RealtimeTarget {
  return ({ name }, query, model) =>
    at(`/openai/v1/${name}`, query, [...version, ...naming("model", model)]);
}

function naming(spelling: RealtimeQuery["spelling"], model: string | undefined): readonly string[] {
  return model === undefined ? [] : [`${spelling}=${encodeURIComponent(model)}`];
}

function at(path: string, { others }: RealtimeQuery, own: readonly string[]): string {
  const query = [...own, ...others].join("&");
  return query === "" ? path : `${path}?${query}`;
}
