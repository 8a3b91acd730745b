import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "../../../errors.ts";
import type { Exchange } from "../../../request/exchange.ts";
import type { Call, Receiver, Transport, UpstreamRequest } from "../../transport.ts";
import { decoderOf } from "../content-coding.ts";
import { tokensOf } from "../format.ts";
import { GuardFailure } from "./guard-failure.ts";
import { type RunningGuards, askGuards, note } from "./guard.ts";
import { type Said, saidByModel } from "./said.ts";

/** Bytes of an answer that are held, and as many of it decoded. */
export const maxHeld = 8 * 1024 * 1024;

/**
 * A transport whose whole answers are held until the guards have let them pass; a refused one fails
 * in their stead. Streams and the backend's errors pass at once.
 */
export function guardedTransport(
  transport: Transport,
  exchange: Exchange,
  guards: RunningGuards,
  format: string,
): Transport {
  return {
    ...transport,
    send: (request, receiver) => sendHeld(transport, request, receiver, exchange, guards, format),
  };
}

function sendHeld(
  transport: Transport,
  request: UpstreamRequest,
  receiver: Receiver,
  exchange: Exchange,
  guards: RunningGuards,
  format: string,
): Call {
  let held: { readonly head: Parameters<Receiver["head"]>; readonly chunks: Buffer[] } | undefined;
  let bytes = 0;
  let ended = false;
  const ending = new AbortController();

  const call = transport.send(request, {
    head(status, headers, statusText) {
      if (isWhole(status, headers)) {
        held = { head: [status, headers, statusText], chunks: [] };
        return;
      }
      if (status < 300) note(exchange, "response", { verdict: "not_checked" });
      receiver.head(status, headers, statusText);
    },
    data(chunk) {
      if (held === undefined) return receiver.data(chunk);
      held.chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxHeld) tooLarge(held);
    },
    end() {
      ended = true;
      if (held === undefined) receiver.end();
      else void judge(held);
    },
    fail: (refusal) => receiver.fail(refusal),
  });
  return {
    pause: () => call.pause(),
    resume: () => call.resume(),
    abort() {
      ending.abort(new Refusal({ kind: "client_closed" }));
      if (!ended) call.abort();
    },
  };

  async function judge(answer: NonNullable<typeof held>): Promise<void> {
    const [status, headers] = answer.head;
    let body: unknown;
    const listen = async (): Promise<readonly Said[]> => {
      const text = await textOf(headers, answer.chunks);
      if (!isJson(headers)) return text === "" ? [] : [{ voice: "other", text }];
      body = parsed(text);
      return saidByModel(format, body);
    };
    try {
      await askGuards(exchange, "response", guards.response, listen, ending.signal);
      if (ending.signal.aborted) return;
      release(answer);
      receiver.end();
    } catch (error) {
      if (ending.signal.aborted) return;
      const { record } = exchange;
      // It was generated, and is paid for.
      record.upstreamStatus = status;
      const tokens = tokensOf(usageOf(body), record.tokens);
      if (tokens !== undefined) record.tokens = tokens;
      receiver.fail(error instanceof Refusal ? error : new Refusal({ kind: "internal" }, error));
    }
  }

  function tooLarge(answer: NonNullable<typeof held>): void {
    const failure = new GuardFailure("answer_too_large");
    if (guards.response.some(({ guard }) => guard.onFailure === "refuse")) {
      note(exchange, "response", { verdict: "failed_closed", failure: failure.failure });
      call.abort();
      receiver.fail(new Refusal({ kind: "guard_unavailable" }, failure));
      return;
    }
    note(exchange, "response", { verdict: "failed_open", failure: failure.failure });
    held = undefined;
    release(answer);
  }

  function release({ head, chunks }: NonNullable<typeof held>): void {
    receiver.head(...head);
    for (const chunk of chunks) receiver.data(chunk);
  }
}

/** Neither an error nor a stream. */
function isWhole(status: number, { "content-type": type = "" }: IncomingHttpHeaders): boolean {
  return status < 300 && !type.startsWith("text/event-stream");
}

function isJson({ "content-type": type = "" }: IncomingHttpHeaders): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/.test(type);
}

/** It was asked for without a content coding; one that has it all the same is decoded. */
async function textOf(headers: IncomingHttpHeaders, chunks: readonly Buffer[]): Promise<string> {
  const decode = decoderOf(headers["content-encoding"]);
  if (decode === "identity") return Buffer.concat(chunks).toString();
  if (decode === "unsupported") throw new GuardFailure("undecodable_answer");
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of decode(inTurn(chunks))) {
      pieces.push(piece);
      length += piece.length;
      if (length > maxHeld) throw new GuardFailure("answer_too_large");
    }
  } catch (error) {
    throw error instanceof GuardFailure ? error : new GuardFailure("undecodable_answer", error);
  }
  return Buffer.concat(pieces).toString();
}

async function* inTurn(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words quote the answer.
    throw new GuardFailure("unreadable_body");
  }
}

function usageOf(body: unknown): unknown {
  return typeof body === "object" && body !== null ? Reflect.get(body, "usage") : undefined;
}
