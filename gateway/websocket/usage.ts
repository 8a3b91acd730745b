import { tokensOf } from "../backend/ai/format.ts";
import type { Exchange } from "../request/exchange.ts";
import type { OnText } from "./frame-observer.ts";

/** Reads a session's usage from the events that the backend sends. */
export type UsageWatch = OnText & {
  /** The session has ended: what a response that did not come to its end has cost is estimated. */
  end(): void;
};

/** Bytes to a token in an event stream, as for server-sent events. */
const bytesOfToken = 256;

/** Events that tell usage, by OpenAI's Realtime API reference, and the one that announces it. */
const events =
  /"type"\s*:\s*"(response\.created|response\.done|conversation\.item\.input_audio_transcription\.completed)"/;

/**
 * Counts a session's tokens: into the record as their sum, and out of the rate limits as they are told,
 * for a session may last an hour. The limits are the exchange's no longer.
 */
export function watchUsage({ record, onTokens }: Exchange): UsageWatch {
  const limits = onTokens.splice(0);
  /** Bytes that had come when the response under way began. */
  let begunAt: number | undefined;

  return {
    begins(beginning) {
      const event = events.exec(beginning)?.[1];
      if (event === "response.created") begunAt ??= record.responseBytes;
      return event !== undefined && event !== "response.created";
    },
    whole(text) {
      const { type, usage } = usageIn(text);
      if (type === "response.done") begunAt = undefined;
      const tokens = tokensOf(usage);
      if (tokens === undefined) return;
      const before = record.tokens ?? { input: 0, output: 0, total: 0 };
      record.tokens = {
        input: before.input + tokens.input,
        output: before.output + tokens.output,
        total: before.total + tokens.total,
      };
      const sane = Number.isFinite(tokens.total) && tokens.total > 0;
      if (sane) for (const take of limits) take({ total: tokens.total, source: "reported" });
    },
    end() {
      if (begunAt === undefined) return;
      const total = Math.ceil((record.responseBytes - begunAt) / bytesOfToken);
      begunAt = undefined;
      for (const take of limits) take({ total, source: "estimated" });
    },
  };
}

function usageIn(text: Buffer): { readonly type: unknown; readonly usage: unknown } {
  let event: unknown;
  try {
    event = JSON.parse(text.toString());
  } catch {
    return { type: undefined, usage: undefined };
  }
  const type = member(event, "type");
  const holder = type === "response.done" ? member(event, "response") : event;
  return { type, usage: member(holder, "usage") };
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
