import { Refusal } from "../../errors.ts";
import { mayUse } from "../../request/caller.ts";
import type { Exchange } from "../../request/exchange.ts";
import { answerDirectly } from "../../request/refuse.ts";
import type { ModelBackend } from "./model-backend.ts";
import { decoded } from "./operation.ts";

/**
 * The models that a route's config names, by the names callers use. Empty where it names none: then
 * the backend is asked.
 */
export function modelNames(backends: readonly ModelBackend[]): readonly string[] {
  const names = backends.flatMap(({ traffic: { serves, model, policy } }) => {
    const aliases = Object.keys(policy?.modelAliases ?? {});
    const own = serves === undefined ? model : serves.name;
    return [...(own === undefined ? [] : [own]), ...aliases];
  });
  return [...new Set(names)].filter((name) => !name.includes("*"));
}

/**
 * Answers `GET .../models` and `GET .../models/{id}` in the shape that OpenAI's and Azure's APIs
 * share, with what the caller may use.
 *
 * @param operation `models` or `models/{id}`
 * @param created seconds since the epoch
 */
export function answerModels(
  exchange: Exchange,
  names: readonly string[],
  operation: string,
  created: number,
): void {
  const { method } = exchange.request;
  if (method !== "GET" && method !== "HEAD")
    throw new Refusal({ kind: "method_not_allowed", allow: "GET, HEAD" });
  const entry = (id: string) => ({
    id,
    object: "model",
    created,
    owned_by: "azure",
    status: "succeeded",
  });
  const visible = names.filter((name) => mayUse(exchange.caller, name));
  const id = decoded(operation.slice("models/".length));
  if (id !== "" && !visible.includes(id)) throw new Refusal({ kind: "model_not_found", model: id });
  const body = id === "" ? { object: "list", data: visible.map(entry) } : entry(id);
  answerDirectly(exchange, 200, ["content-type", "application/json"], JSON.stringify(body));
}
