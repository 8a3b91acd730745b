import { answer } from "../error-answer.ts";
import type { Reason } from "../errors.ts";
import type { Exchange } from "./exchange.ts";
import { applyEdits } from "./header-edits.ts";

/** Answers without a backend. */
export function answerDirectly(
  { request, response, answerEdits, id }: Exchange,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  const own = [...headers, "x-request-id", id];
  // A 204 has no body to tell the length of (RFC 9110, section 8.6).
  if (status !== 204) own.push("content-length", String(Buffer.byteLength(body)));
  response.writeHead(status, applyEdits(own, answerEdits));
  response.end(body);
  // What the caller still sends is of no use, but its connection is, once it has been read.
  request.resume();
}

/** Ends a request with the gateway's own error, or breaks the connection when an answer has begun. */
export function refuse(exchange: Exchange, reason: Reason): void {
  const { response } = exchange;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, headers, body } = answer(reason);
  if (reason.kind === "content_rejected") {
    const { rejection } = reason;
    const list = ["content-type", rejection.body?.contentType ?? "application/json"];
    const text = rejection.body?.text ?? JSON.stringify(body);
    return answerDirectly(exchange, status, applyEdits(list, [rejection.headers]), text);
  }
  const list = [...Object.entries(headers).flat(), "content-type", "application/json"];
  answerDirectly(exchange, status, list, JSON.stringify(body));
}
