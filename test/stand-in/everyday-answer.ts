// The answer of a Foundry in good health.
import { destinationOf, type Operation } from "./inference-path.ts";
import { type Answer, azureHeaders, jsonAnswer, resourceNotFound } from "./azure-answer.ts";
import type { AnswerChange, Waits } from "./behaviour.ts";
import { completionEvents, embeddings, type Said, wholeCompletion } from "./completion.ts";
import { type Exchange, send, waitBefore } from "./exchange.ts";
import { type InferenceRequest, readInference } from "./inference-request.ts";
import { playFormat } from "./model-formats.ts";
import { writePaced, writePiece } from "./paced-body.ts";
import { pseudoRandom } from "./pseudo-random.ts";

export const greeting = "Hello from the stand-in Foundry. Grüße, 你好, 👋🏽!";

export async function playAnswer(
  exchange: Exchange,
  change: AnswerChange & Waits,
  refused: Answer | undefined,
  deployments: readonly string[] | undefined,
): Promise<void> {
  const { request, response, recording } = exchange;
  const destination = destinationOf(request.url ?? "/");

  if (destination.kind === "mirror" && refused === undefined) {
    response.writeHead(200, {
      ...azureHeaders(),
      "content-type": request.headers["content-type"] ?? "application/octet-stream",
    });
    response.flushHeaders();
    await recording.readBody((piece) => writePiece(response, recording, piece, "counted"));
    response.end();
    return;
  }

  const body = await waitBefore(exchange, change);
  if (refused !== undefined) return send(exchange, refused);

  switch (destination.kind) {
    case "unknown": {
      const { method, path } = recording.received;
      const text = change.content ?? greeting;
      const played = playFormat(path, { method, headers: request.headers, body, text });
      if (played === undefined) return send(exchange, resourceNotFound());
      if ("body" in played) return send(exchange, withHeaders(played, change));
      response.writeHead(200, {
        ...azureHeaders(),
        "content-type": "text/event-stream; charset=utf-8",
        ...change.headers,
      });
      return writePaced(response, exchange.tcp, recording, played.events, change);
    }
    case "mirror":
      return;
    case "describe": {
      const { method, path, bodyLength, bodySha256 } = recording.received;
      const contentType = request.headers["content-type"] ?? null;
      const described = { method, path, contentType, length: bodyLength, sha256: bodySha256 };
      return send(exchange, withHeaders(jsonAnswer(200, described), change));
    }
    case "speech": {
      response.writeHead(200, {
        ...azureHeaders(),
        "content-type": "audio/mpeg",
        "content-length": String(destination.bytes),
        ...change.headers,
      });
      for (const piece of pseudoRandom(destination.bytes)) {
        await writePiece(response, recording, piece, "counted");
      }
      response.end();
      return;
    }
    case "inference": {
      const { operation, deployment } = destination;
      const reading = readInference(body, operation, deployment, deployments);
      if (reading.kind === "bad") return send(exchange, reading.answer);
      return infer(exchange, operation, reading.request, change);
    }
  }
}

async function infer(
  exchange: Exchange,
  operation: Operation,
  request: InferenceRequest,
  change: AnswerChange,
): Promise<void> {
  const { response, recording, tcp } = exchange;
  const said = saying(request, change);
  const headers = {
    ...azureHeaders(),
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-limit-tokens": "500000",
    "x-ratelimit-remaining-tokens": "499990",
    ...change.headers,
  };

  if (operation === "chat" && request.stream) {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...headers });
    const { filter = "default", ending = "done" } = change;
    const events = completionEvents(request, said, filter, ending);
    return writePaced(response, tcp, recording, events, change);
  }

  const whole = operation === "chat" ? wholeCompletion(request, said) : embeddings(request);
  if (change.cut === undefined && change.split === undefined) {
    return send(exchange, { ...whole, headers: { ...whole.headers, ...headers } });
  }
  response.writeHead(200, { ...whole.headers, ...headers });
  return writePaced(response, tcp, recording, [whole.body], change);
}

function saying(request: InferenceRequest, change: AnswerChange): Said {
  // Words with the blanks that follow them.
  const pieces = change.pieces ?? (change.content ?? greeting).match(/\S+\s*|\s+/g) ?? [];
  const { promptTokens, completionTokens } = change.usage ?? {
    promptTokens: request.promptTokens,
    completionTokens: pieces.length,
  };
  return { pieces, promptTokens, completionTokens };
}

const withHeaders = (answer: Answer, { headers }: AnswerChange): Answer => ({
  ...answer,
  headers: { ...answer.headers, ...headers },
});
