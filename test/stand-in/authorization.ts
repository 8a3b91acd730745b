// Who may call the Foundry: a token minted for its audience, or one of its keys.
import type { IncomingHttpHeaders } from "node:http";
import { type Answer, unauthorized, wrongKey } from "./azure-answer.ts";
import type { TokenRecord, Tokens } from "./tokens.ts";

export type Admission = {
  readonly tokens: Tokens;
  /** Without `/.default`. */
  readonly audiences: readonly string[];
  /** Accepted in `api-key`; empty as on an account with local authentication disabled. */
  readonly apiKeys: readonly string[];
  /** "any": every non-empty bearer token will do. */
  readonly accept: "minted" | "any";
};

export function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer (\S+)$/i.exec(headers.authorization ?? "")?.[1];
}

/** The refusal, or undefined for a welcome caller. */
export function refusal(
  headers: IncomingHttpHeaders,
  token: TokenRecord | undefined,
  { tokens, audiences, apiKeys, accept }: Admission,
): Answer | undefined {
  const key = headers["api-key"];
  const bearer = bearerOf(headers);
  if (bearer === undefined) {
    if (key === undefined) return unauthorized();
    return typeof key === "string" && apiKeys.includes(key) ? undefined : wrongKey();
  }
  if (accept === "any") return undefined;
  if (token === undefined || !tokens.isGood(token)) return unauthorized();
  return audiences.includes(token.audience) ? undefined : unauthorized();
}
