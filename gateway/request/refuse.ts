import type { Response } from "express";
import { type Reason, answer } from "../errors.ts";

/** Ends a request with the gateway's own answer, or breaks the connection when one has begun. */
export function refuse(response: Response, reason: Reason, requestId: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, headers, body } = answer(reason);
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "x-request-id": requestId,
  });
  response.end(text);
  // What the caller still sends is of no use, but its connection is, once it has been read.
  response.req.resume();
}
