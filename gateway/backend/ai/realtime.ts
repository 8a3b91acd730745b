import type { Route } from "../../config/run.ts";
import { Refusal } from "../../errors.ts";
import { mayUse } from "../../request/caller.ts";
import type { Exchange } from "../../request/exchange.ts";
import { deploymentsIn } from "./deployment.ts";
import { formatOf } from "./format.ts";
import { refuseSession } from "./guard/guarded.ts";
import { type ModelBackend, choosesByModel } from "./model-backend.ts";
import { operationOf } from "./operation.ts";
import { compileRealtimeTarget, modelsAskedIn, realtimeQuery } from "./realtime-target.ts";
import { stringOf } from "./rewrite.ts";

/** Which backends may serve a session, and the path and query for each. */
export type RealtimePlan = {
  readonly backends: readonly ModelBackend[];
  target(backend: ModelBackend): string;
};

/** Tells where a WebSocket of a route for models goes. Throws for one that a model cannot take. */
export function compileRealtime(
  { backends: written }: Route,
  backends: readonly ModelBackend[],
): (exchange: Exchange) => RealtimePlan {
  const first = written.find(({ traffic }) => traffic.kind === "ai")?.traffic;
  const routes = first?.kind === "ai" ? (first.policy?.routes ?? []) : [];
  const byModel = choosesByModel(backends);
  const targets = new Map(
    backends.map((backend) => [backend, compileRealtimeTarget(backend.traffic.endpoint)]),
  );

  return (exchange) => {
    const { record, target, request } = exchange;
    const format = formatOf(record.path, routes);
    refuseSession(backends);
    if (format.name === "passthrough") return carried(exchange);
    if (format.name !== "realtime")
      throw new Refusal({ kind: "method_not_allowed", allow: "POST" });
    const operation = operationOf(record.path, target, format);
    const query = realtimeQuery(target);
    const asked = operation.deployment ?? query.model;
    const chosen = choose(asked ?? (query.elsewhere ? "" : undefined));
    return {
      backends: chosen,
      target(backend) {
        const model = modelFor(backend, asked, query.elsewhere ? "elsewhere" : "here");
        if (asked !== undefined) record.modelRequested = asked;
        if (model !== undefined) record.modelSent = model;
        const path = targets.get(backend)?.(operation, query, model, target) ?? target;
        refuseUnlisted(exchange, [...(model === undefined ? [] : [model]), ...deploymentsIn(path)]);
        return path;
      },
    };

    /** The backends for a model; empty text is one that the session itself will name. */
    function choose(model: string | undefined): readonly ModelBackend[] {
      if (!byModel) return backends;
      if (model === undefined) throw new Refusal({ kind: "missing_field", field: "model" });
      if (model === "") {
        const any = backends.filter(({ traffic }) => traffic.serves?.name === "*");
        return any.length > 0 ? any : backends;
      }
      const found = backends.find((backend) => backend.serves(model, request.headers));
      if (found === undefined) throw new Refusal({ kind: "model_not_found", model });
      return [found];
    }
  };

  /** What the config says is no business of the gateway's. */
  function carried(exchange: Exchange): RealtimePlan {
    refuseUnlisted(exchange, [
      ...deploymentsIn(exchange.target),
      ...modelsAskedIn(exchange.target),
    ]);
    return { backends, target: () => exchange.target };
  }
}

/** By the same rules as for a body: override, path, query, default; then the alias. */
function modelFor(
  { traffic, body }: ModelBackend,
  asked: string | undefined,
  named: "here" | "elsewhere",
): string | undefined {
  if (asked === undefined && named === "elsewhere") return undefined;
  const requested =
    stringOf(body.overrides.get("model")) ?? asked ?? stringOf(body.defaults.get("model"));
  const sent = traffic.model ?? (requested === undefined ? undefined : body.modelFor(requested));
  if (sent === undefined || sent === "")
    throw new Refusal({ kind: "missing_field", field: "model" });
  return sent;
}

function refuseUnlisted({ caller }: Exchange, models: readonly string[]): void {
  if (caller.allowedModels === undefined) return;
  if (models.length === 0) {
    throw new Refusal({ kind: "model_not_allowed", model: "what names no model" });
  }
  const unlisted = models.find((model) => !mayUse(caller, model));
  if (unlisted !== undefined) throw new Refusal({ kind: "model_not_allowed", model: unlisted });
}
