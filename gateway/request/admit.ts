import type { IncomingMessage } from "node:http";
import { type Reason, Refusal } from "../errors.ts";

/** More fields than any client sends; what follows is searched and copied field by field. */
const maxFields = 200;
/** TRACE would have the backend echo the gateway's own credential to the caller (RFC 9110, 9.3.8). */
const methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const hostShape = /^(?:\[[0-9a-f:.]+\]|[^\s/?#@\\,:[\]]*)(?::\d{0,5})?$/i;
/**
 * A dot segment in any spelling that a backend may resolve: `/open/../closed` is found under `/open`
 * here and would be served from `/closed` there.
 */
const dotSegment = /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c)/i;

/**
 * Refuses what could mean one thing here and another at the backend, whoever sends it. Node's parser
 * has refused the plainly malformed before.
 *
 * @param target path and query; empty for what is neither a path nor an absolute URL
 */
export function admit(request: IncomingMessage, target: string): void {
  const reason = faultIn(request, target);
  if (reason !== undefined) throw new Refusal(reason);
}

function faultIn(request: IncomingMessage, target: string): Reason | undefined {
  const { rawHeaders, headers, method, httpVersion } = request;
  if (rawHeaders.length > 2 * maxFields) return { kind: "head_too_large" };
  if (method === "TRACE") return { kind: "method_not_allowed", allow: methods };
  const encoding = headers["transfer-encoding"];
  // Chunked under another coding would have to be decoded; HTTP/1.0 does not know it (RFC 9112, 6.1).
  if (encoding !== undefined && (!isChunked(encoding) || httpVersion !== "1.1")) {
    return { kind: "malformed_request" };
  }
  const hosts = hostCount(rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion === "1.1") || !hostShape.test(headers.host ?? "")) {
    return { kind: "malformed_request" };
  }
  const question = target.indexOf("?");
  const path = question === -1 ? target : target.slice(0, question);
  return path === "" || dotSegment.test(path) ? { kind: "bad_request_target" } : undefined;
}

function isChunked(encoding: string): boolean {
  return encoding.toLowerCase() === "chunked";
}

/** Node keeps the first of several; the next server may keep the last. */
function hostCount(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  return count;
}
