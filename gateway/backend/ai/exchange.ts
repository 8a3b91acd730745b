import type { Traffic } from "../../config/run.ts";
import { Refusal } from "../../errors.ts";
import { mayUse } from "../../request/caller.ts";
import type { Exchange } from "../../request/exchange.ts";
import { attempt } from "../attempt.ts";
import type { RunningBackend } from "../backend.ts";
import { deploymentsIn } from "./deployment.ts";
import { formatOf } from "./format.ts";
import { readJsonBody } from "./read-body.ts";
import { applyEdits, planRewrite, wantedMembers } from "./rewrite.ts";
import { watchAnswer } from "./watch.ts";

/**
 * Carries a request to a model: reads the body, puts the model in, asks a stream for its usage, and
 * streams the answer back while counting tokens. Nothing is sent for a body that a model cannot take.
 */
export async function forwardAi(
  exchange: Exchange,
  backend: RunningBackend,
  { model, path }: Extract<Traffic, { kind: "ai" }>,
  maxBody: number,
): Promise<void> {
  const { request, record } = exchange;
  if (request.method !== "POST") throw new Refusal({ kind: "method_not_allowed", allow: "POST" });
  const format = formatOf(record.path);
  const body = await readJsonBody(request, maxBody, wantedMembers(format));
  record.requestBytes = body.length;

  const plan = planRewrite(body.scanned, format, model);
  if (plan.modelRequested !== undefined) record.modelRequested = plan.modelRequested;
  record.modelSent = plan.modelSent;
  record.stream = plan.stream;
  for (const asked of [plan.modelSent, ...deploymentsIn(path ?? exchange.target)]) {
    if (!mayUse(exchange.caller, asked)) {
      throw new Refusal({ kind: "model_not_allowed", model: asked });
    }
  }

  const rewritten = applyEdits(body, plan.edits);
  const headers = [...backend.headers(exchange), "accept-encoding", "identity"];
  await attempt(
    exchange,
    backend,
    rewritten,
    (credential) => ({
      method: "POST",
      path: path ?? exchange.target,
      headers: [...headers, ...credential],
      body: rewritten,
    }),
    (status, answerHeaders) => watchAnswer(status, answerHeaders, plan, record),
  );
}
