import type { AccessRecord } from "./access-record.ts";

/** What a request has cost; `estimated` where the backend's own count did not come. */
export type TokensUsed = { readonly total: number; readonly source: "reported" | "estimated" };

/** Bytes to a token: of text, and of a stream, whose events carry about a token each. */
const bytesOfText = 4;
const bytesOfEvent = 256;

/**
 * Tokens to take from a caller's allowance. A stream tells its usage last: a caller that leaves just
 * before would pay nothing, so what it has had so far is estimated.
 */
export function tokensUsed(record: AccessRecord): TokensUsed | undefined {
  const { tokens, outcome, upstreamStatus, requestBytes, responseBytes } = record;
  if (tokens !== undefined) {
    const sane = Number.isFinite(tokens.total) && tokens.total > 0;
    return { total: sane ? tokens.total : 0, source: "reported" };
  }
  const answered = upstreamStatus === 200;
  const abandoned = upstreamStatus === undefined && outcome === "client_closed";
  if (record.modelSent === undefined || record.attempts === 0 || !(answered || abandoned)) {
    return undefined;
  }
  const perToken = record.stream === true ? bytesOfEvent : bytesOfText;
  const total = Math.ceil(requestBytes / bytesOfText) + Math.ceil(responseBytes / perToken);
  return { total, source: "estimated" };
}
