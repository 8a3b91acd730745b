import type { ModelTraffic } from "../../config/run.ts";
import { Refusal } from "../../errors.ts";
import { mayUse } from "../../request/caller.ts";
import type { Exchange } from "../../request/exchange.ts";
import { ownedByBody } from "../affinity.ts";
import type { RunningBackend } from "../backend.ts";
import { type Trying, tryInTurn } from "../tries.ts";
import { deploymentsIn } from "./deployment.ts";
import { formatOf } from "./format.ts";
import { readJsonBody } from "./read-body.ts";
import { applyEdits, planRewrite, wantedMembers } from "./rewrite.ts";
import { watchAnswer } from "./watch.ts";

/**
 * Carries a request to a model: reads the body, puts each backend's model in, asks a stream for its
 * usage, and streams the answer back while counting tokens. Nothing is sent for a body that a model
 * cannot take.
 */
export async function forwardAi(
  exchange: Exchange,
  trying: Omit<Trying<RunningBackend<ModelTraffic>>, "owned">,
  maxBody: number,
): Promise<void> {
  const { request, record } = exchange;
  if (request.method !== "POST") throw new Refusal({ kind: "method_not_allowed", allow: "POST" });
  const [only, ...others] = trying.backends;
  if (only !== undefined && others.length === 0) record.backend = only.name;
  const format = formatOf(record.path);
  const body = await readJsonBody(request, maxBody, wantedMembers(format));
  record.requestBytes = body.length;
  const owned = format.name === "responses" ? ownedByBody(body.chunks) : undefined;

  await tryInTurn(exchange, { ...trying, owned }, (backend) => {
    const { model, path } = backend.traffic;
    const plan = planRewrite(body.scanned, format, model);
    if (plan.modelRequested !== undefined) record.modelRequested = plan.modelRequested;
    record.modelSent = plan.modelSent;
    record.stream = plan.stream;
    for (const asked of [plan.modelSent, ...deploymentsIn(path ?? exchange.target)]) {
      if (!mayUse(exchange.caller, asked)) {
        throw new Refusal({ kind: "model_not_allowed", model: asked });
      }
    }
    const remember = (id: string) => {
      if (format.name === "responses") trying.affinity.remember(id, backend.origin);
    };
    const rewritten = applyEdits(body, plan.edits);
    const headers = [...backend.headers(exchange), "accept-encoding", "identity"];
    return {
      body: rewritten,
      request: (credential) => ({
        method: "POST",
        path: path ?? exchange.target,
        headers: [...headers, ...credential],
        body: rewritten,
        timeouts: backend.timeouts,
      }),
      inspect: (status, answerHeaders) =>
        watchAnswer(status, answerHeaders, plan, record, remember),
    };
  });
}
