// Everything a test can ask of a token issuer, and how it is played. The identity endpoint and
// Entra share it: they differ in the answer, not in the ways of failing.
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Recording } from "./received.ts";

export type IssuerBehaviour = {
  /** Before anything else. */
  readonly delayMs?: number;
} & (
  | {
      readonly kind: "answer";
      /** Instead of the stand-in's own. */
      readonly lifetimeSeconds?: number;
      /** "absent" leaves the expiry out, "iso" writes it as a date. */
      readonly expiry?: "usual" | "absent" | "iso";
    }
  /** 500 unless told. */
  | { readonly kind: "outage"; readonly status?: number }
  | { readonly kind: "throttled"; readonly retryAfterSeconds?: number }
  | { readonly kind: "status"; readonly status: number; readonly body: object }
  | { readonly kind: "hang" }
  /** The connection ends before the status line. */
  | { readonly kind: "noAnswer" }
);

export type IssuerAnswer = Extract<IssuerBehaviour, { readonly kind: "answer" }>;

/** The answer to make, or undefined where the failure was played already. */
export async function playIssuer(
  request: IncomingMessage,
  response: ServerResponse,
  recording: Recording,
  behaviour: IssuerBehaviour,
): Promise<IssuerAnswer | undefined> {
  const { delayMs } = behaviour;
  if (delayMs !== undefined) await pause(delayMs, undefined, { signal: recording.signal });

  switch (behaviour.kind) {
    case "answer":
      return behaviour;
    case "outage":
      sendJson(response, behaviour.status ?? 500, {
        error: "server_error",
        error_description: "The service is out of order.",
      });
      return undefined;
    case "throttled":
      response.setHeader("retry-after", String(behaviour.retryAfterSeconds ?? 1));
      sendJson(response, 429, {
        error: "temporarily_unavailable",
        error_description: "Too many requests.",
      });
      return undefined;
    case "status":
      sendJson(response, behaviour.status, behaviour.body);
      return undefined;
    case "hang":
      return undefined;
    case "noAnswer":
      recording.breaking();
      request.socket.destroy();
      return undefined;
  }
}

export function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(value));
}
