import type { IncomingHttpHeaders } from "node:http";
import type { Guard, ModelMatch, ModelTraffic } from "../../config/run/backend.ts";
import { compileConditions } from "../../route/match.ts";
import type { HeadersOf, RunningBackend } from "../backend.ts";
import { type BodyPolicy, compileBodyPolicy, matchesModel } from "./body-policy.ts";
import type { Service } from "./guard/ask.ts";
import { type RunningGuards, runGuards } from "./guard/guard.ts";
import { type PathFor, compilePath } from "./paths.ts";

/** A backend that serves a model, with what a request needs of its config compiled. */
export type ModelBackend = RunningBackend<ModelTraffic> & {
  readonly path: PathFor;
  /** The caller's headers as they go with a body that the gateway has read. */
  readonly headersOfBody: HeadersOf;
  readonly body: BodyPolicy;
  /** Absent where nothing is to be checked. */
  readonly guards: RunningGuards | undefined;
  /** Whether it is there for this model, where the route chooses by it. */
  serves(model: string, headers: IncomingHttpHeaders): boolean;
};

/** The body goes out decoded, and the answer is to be readable. */
const setHere = ["accept-encoding", "content-encoding"];

export function compileModelBackend(
  running: RunningBackend<ModelTraffic>,
  serviceOf: (guard: Guard) => Service,
): ModelBackend {
  const { endpoint, policy, serves } = running.traffic;
  return {
    ...running,
    path: compilePath(endpoint),
    headersOfBody: running.headersWithout(setHere),
    body: compileBodyPolicy(policy),
    guards: runGuards(policy?.guards, serviceOf),
    serves: serves === undefined ? () => true : compileServes(serves),
  };
}

function compileServes({ name, headers: lists }: ModelMatch): ModelBackend["serves"] {
  const conditions = lists.map((headers) =>
    compileConditions({
      path: { kind: "prefix", value: "" },
      method: undefined,
      headers,
      query: [],
    }),
  );
  return (model, headers) =>
    matchesModel(name, model) &&
    (conditions.length === 0 ||
      conditions.some((holds) => holds?.({ method: "", path: "", query: "", headers }) ?? true));
}

/** Whether a route has to know the model before it knows the backend. */
export function choosesByModel(backends: readonly ModelBackend[]): boolean {
  return backends.some(({ traffic }) => traffic.serves !== undefined);
}
