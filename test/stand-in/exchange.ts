// One request and its answer, as the stand-in Foundry handles them.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Answer } from "./azure-answer.ts";
import type { Waits } from "./behaviour.ts";
import type { Recording } from "./received.ts";

export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly recording: Recording;
  /** Under the TLS socket, where there is one. */
  readonly tcp: Socket;
};

/** The request's body as far as it was waited for, then the delay and what precedes the answer. */
export async function waitBefore(exchange: Exchange, waits: Waits): Promise<Buffer> {
  const { response, recording } = exchange;
  const { readPauseMs } = waits;
  const reading = recording.readBody(async () => {
    if (readPauseMs !== undefined) {
      await pause(readPauseMs, undefined, { signal: recording.signal });
    }
  });
  // An answer ahead of the body: whether the rest still comes is for the record only.
  reading.catch(() => {});
  const body = waits.after === "headers" ? Buffer.alloc(0) : await reading;
  if (waits.delayMs !== undefined) {
    await pause(waits.delayMs, undefined, { signal: recording.signal });
  }
  for (const status of waits.informational ?? []) {
    if (status === 100) response.writeContinue();
    if (status === 102) response.writeProcessing();
    if (status === 103) response.writeEarlyHints({ link: "</hint>; rel=preload" });
  }
  return body;
}

export function send({ response, recording }: Exchange, answer: Answer): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    "content-length": String(answer.body.length),
  });
  recording.wrote(answer.body, "kept");
  response.end(answer.body);
}
