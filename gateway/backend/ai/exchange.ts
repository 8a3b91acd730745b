import type { IncomingHttpHeaders } from "node:http";
import type { Route } from "../../config/run.ts";
import { Refusal } from "../../errors.ts";
import { type Caller, mayUse } from "../../request/caller.ts";
import type { Exchange } from "../../request/exchange.ts";
import { ownedByBody, ownedByPath } from "../affinity.ts";
import { type Carrying, forwardTransparently } from "../transparent.ts";
import type { Try } from "../attempt.ts";
import { tryInTurn } from "../tries.ts";
import { deploymentsIn } from "./deployment.ts";
import { type Form, planForm, readForm } from "./form.ts";
import { type Format, formatOf } from "./format.ts";
import { guarded, refuseUnread } from "./guard/guarded.ts";
import { type ModelBackend, choosesByModel, stores } from "./model-backend.ts";
import { answerModels, modelNames } from "./model-list.ts";
import type { Sought } from "./json-member.ts";
import { type Operation, operationOf } from "./operation.ts";
import { type ScannedBody, readJsonBody } from "./read-body.ts";
import {
  type ModelInPath,
  type Plan,
  applyEdits,
  planRewrite,
  stringOf,
  wantedMembers,
} from "./rewrite.ts";
import { watchAnswer } from "./watch.ts";

type TryingModels = Carrying<ModelBackend>;

/** Carries one request of a route to a model, whatever its format. */
export type ForwardAi = (exchange: Exchange) => Promise<void> | void;

/** @param maxBody bytes */
export function compileAi(
  { backends: written }: Route,
  trying: TryingModels,
  maxBody: number,
): ForwardAi {
  const { backends } = trying;
  const [only, ...others] = backends;
  const first = written.find(({ traffic }) => traffic.kind === "ai")?.traffic;
  const routes = first?.kind === "ai" ? (first.policy?.routes ?? []) : [];
  const names = modelNames(backends);
  const byModel = choosesByModel(backends);
  const owners = stores(backends);
  const created = Math.floor(trying.clock.now() / 1000);
  const policies = backends.map((backend) => backend.body);
  const wanted = new Map<Format, readonly Sought[]>();

  return (exchange) => {
    const { record, target, request } = exchange;
    const format = formatOf(record.path, routes);
    const operation = operationOf(record.path, target, format);
    if (format.body === "none" && names.length > 0)
      return answerModels(exchange, names, operation.name, created);
    if (format.body === "none" || format.body === "unread") {
      const candidates = unread(operation, record.path);
      refuseUnread(request, candidates);
      return carry(exchange, { ...trying, backends: candidates }, operation);
    }
    if (request.method !== "POST") throw new Refusal({ kind: "method_not_allowed", allow: "POST" });
    // Before the body is read, so that the log names it whatever becomes of that.
    if (only !== undefined && others.length === 0) record.backend = only.name;
    const send = (body: ReadBody): Promise<void> =>
      exchangeWithModel(exchange, trying, format, operation, body, choose);
    return format.body === "form"
      ? readForm(request, maxBody).then((form) => send(formBody(form)))
      : readJsonBody(request, maxBody, wantedOf(format)).then((body) =>
          send(jsonBody(body, format)),
        );
  };

  /** Put together once for each format. */
  function wantedOf(format: Format): readonly Sought[] {
    const known = wanted.get(format);
    if (known !== undefined) return known;
    const found = wantedMembers(format, policies);
    wanted.set(format, found);
    return found;
  }

  /** The backends to try for a model. */
  function choose(
    model: string | undefined,
    headers: IncomingHttpHeaders,
  ): readonly ModelBackend[] {
    if (!byModel) return backends;
    if (model === undefined) throw new Refusal({ kind: "missing_field", field: "model" });
    const found = backends.find((backend) => backend.serves(model, headers));
    if (found === undefined) throw new Refusal({ kind: "model_not_found", model });
    return [found];
  }

  /** The same where the body is not read: what no model is named for goes to those that take any. */
  function unread({ deployment }: Operation, path: string): readonly ModelBackend[] {
    if (!byModel) return backends;
    if (deployment !== undefined) return choose(deployment, {});
    if (ownedByPath(path) !== undefined) return owners;
    const any = backends.filter(({ traffic }) => traffic.serves?.name === "*");
    return any.length > 0 ? any : backends;
  }
}

/**
 * Puts each backend's model in the body, asks a stream for its usage, and streams the answer back
 * while counting tokens. Nothing is sent for a body that a model cannot take.
 */
function exchangeWithModel(
  exchange: Exchange,
  trying: TryingModels,
  format: Format,
  operation: Operation,
  body: ReadBody,
  choose: (model: string | undefined, headers: IncomingHttpHeaders) => readonly ModelBackend[],
): Promise<void> {
  const { request, record } = exchange;
  record.requestBytes = body.length;
  const chosen = choose(operation.deployment ?? body.model, request.headers);

  const prepare = (backend: ModelBackend): Try => {
    const { model, endpoint } = backend.traffic;
    const sent = operation.deployment !== undefined && endpoint.kind === "caller";
    const plan = body.plan(backend, model, { deployment: operation.deployment, sent });
    if (plan.modelRequested !== undefined) record.modelRequested = plan.modelRequested;
    record.modelSent = plan.modelSent;
    record.stream = plan.stream;
    const path = backend.path(operation, plan.modelSent, exchange.target);
    refuseUnlisted(exchange.caller, plan.modelSent, path);
    const remember =
      format.name === "responses"
        ? (id: string) => trying.affinity.remember(id, backend.origin)
        : undefined;
    const rewritten = applyEdits(body, plan.edits);
    const headers = backend.headersOfBody(exchange);
    headers.push("accept-encoding", "identity");
    if (operation.anthropic) headers.push(...anthropicVersion(backend, request.headers));
    return {
      body: rewritten,
      request: (credential) => ({
        method: "POST",
        path,
        headers: [...headers, ...credential],
        body: rewritten,
        timeouts: backend.timeouts,
      }),
      inspect: (status, answerHeaders) =>
        watchAnswer(status, answerHeaders, plan, record, remember),
    };
  };
  const guards = chosen[0]?.guards;
  const send = (backends: readonly ModelBackend[]) =>
    tryInTurn(exchange, trying, backends, body.owned, prepare);
  return guards === undefined
    ? send(chosen)
    : guarded(exchange, guards, format, body, chosen, prepare).then(send);
}

/** Azure serves the deployment in the path, whatever the body says: both must be allowed. */
function refuseUnlisted(caller: Caller, model: string, path: string): void {
  if (caller.allowedModels === undefined) return;
  for (const asked of [model, ...deploymentsIn(path)]) {
    if (!mayUse(caller, asked)) throw new Refusal({ kind: "model_not_allowed", model: asked });
  }
}

type ReadBody = {
  readonly chunks: readonly Buffer[];
  readonly length: number;
  readonly form: Form | undefined;
  /** As far as it is told without a backend's own policies. */
  readonly model: string | undefined;
  /** An id that only the backend that made it knows. */
  readonly owned: string | undefined;
  plan(backend: ModelBackend, model: string | undefined, inPath: ModelInPath): Plan;
};

function formBody(form: Form): ReadBody {
  return {
    ...form,
    form,
    model: form.fields.findLast(({ name }) => name === "model")?.text,
    owned: undefined,
    plan: (backend, model, inPath) => planForm(form, model, backend.body, inPath),
  };
}

function jsonBody({ chunks, length, scanned }: ScannedBody, format: Format): ReadBody {
  return {
    chunks,
    length,
    form: undefined,
    model: stringOf(scanned.members.findLast(({ key }) => key === "model")?.text),
    owned: format.name === "responses" ? ownedByBody(chunks) : undefined,
    plan: (backend, model, inPath) => planRewrite(scanned, format, model, backend.body, inPath),
  };
}

/** Anthropic's API refuses a call that names no version; its own clients always do. */
function anthropicVersion(
  { traffic }: ModelBackend,
  headers: IncomingHttpHeaders,
): readonly string[] {
  const azure = traffic.endpoint.kind === "foundry" || traffic.endpoint.kind === "azureOpenAI";
  return azure && headers["anthropic-version"] === undefined
    ? ["anthropic-version", "2023-06-01"]
    : [];
}

/** Carries what the gateway need not understand, with the model in the path, if anywhere. */
function carry(exchange: Exchange, trying: TryingModels, operation: Operation): Promise<void> {
  const { deployment } = operation;
  const modelOf = ({ traffic, body }: ModelBackend) =>
    traffic.model ?? (deployment === undefined ? "" : body.modelFor(deployment));
  if (deployment !== undefined) {
    for (const backend of trying.backends) {
      const model = modelOf(backend);
      if (!mayUse(exchange.caller, model) || !mayUse(exchange.caller, deployment))
        throw new Refusal({ kind: "model_not_allowed", model: deployment });
    }
  } else if (exchange.caller.allowedModels !== undefined) {
    throw new Refusal({ kind: "model_not_allowed", model: "what names no model" });
  }
  return forwardTransparently(exchange, trying, (backend) =>
    backend.path(operation, modelOf(backend), exchange.target),
  );
}
