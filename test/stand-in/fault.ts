// The answers of a Foundry that is not well, or not there.
import {
  type Answer,
  azureHeaders,
  contentFiltered,
  jsonAnswer,
  rateLimited,
  unauthorized,
} from "./azure-answer.ts";
import type { Behaviour } from "./behaviour.ts";
import { type Exchange, send, waitBefore } from "./exchange.ts";
import { finish, writePiece } from "./paced-body.ts";
import { pseudoRandom } from "./pseudo-random.ts";

export type Fault = Exclude<Behaviour, { readonly kind: "answer" }>;

const notHttp = Buffer.from("\u0000\u0001 this is not HTTP \u00ff\r\n\r\n", "latin1");

export async function playFault(
  exchange: Exchange,
  fault: Fault,
  refused: Answer | undefined,
): Promise<void> {
  const { response, recording, tcp } = exchange;
  await waitBefore(exchange, fault);

  switch (fault.kind) {
    case "hang":
      return;
    case "status":
      return send(exchange, statusAnswer(fault));
    case "rateLimited":
      return send(exchange, rateLimited(fault));
    case "unauthorized":
      return send(exchange, unauthorized());
    case "contentFiltered":
      return send(exchange, contentFiltered());
    case "noAnswer":
      recording.breaking();
      if (fault.manner === "reset") tcp.resetAndDestroy();
      else exchange.request.socket.destroy();
      return;
    case "garbage":
      recording.breaking();
      exchange.request.socket.end(fault.bytes ?? notHttp);
      return;
    case "truncated": {
      const declared = String(fault.declared ?? 1000);
      response.writeHead(200, { ...azureHeaders(), "content-length": declared });
      response.flushHeaders();
      for (const piece of pseudoRandom(fault.sent ?? 400)) {
        await writePiece(response, recording, piece, "kept");
      }
      return finish(response, tcp, recording, "destroy");
    }
    case "huge":
      if (refused !== undefined) return send(exchange, refused);
      response.writeHead(200, { ...azureHeaders(), "content-type": "application/octet-stream" });
      for (const piece of pseudoRandom(fault.bytes)) {
        await writePiece(response, recording, piece, "counted");
      }
      response.end();
      return;
  }
}

function statusAnswer(fault: Extract<Fault, { readonly kind: "status" }>): Answer {
  const { status, headers = {}, body = "" } = fault;
  if (typeof body === "string" || Buffer.isBuffer(body)) {
    return { status, headers: { ...azureHeaders(), ...headers }, body: Buffer.from(body) };
  }
  return jsonAnswer(status, body, headers);
}
