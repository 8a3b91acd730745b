// What came of a call for a token, as the gateway's log would have it.
import type { Acquire } from "../../../../gateway/backend/credential/broker.ts";
import { describeFailure } from "../../../../gateway/backend/credential/failure.ts";
import type { AccessToken } from "../../../../gateway/backend/credential/lifetime.ts";
import type { AzureSource } from "../../../../gateway/config/run/backend.ts";

export type Outcome =
  ({ readonly kind: "token" } & AccessToken) | { readonly kind: "failure"; readonly said: string };

export async function outcomeOf(
  acquire: Acquire,
  source: AzureSource,
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  try {
    return { kind: "token", ...(await acquire(signal)) };
  } catch (error) {
    return { kind: "failure", said: describeFailure(error, source) };
  }
}

/** Fails the test unless it is a token. */
export function tokenIn(outcome: Outcome): string {
  if (outcome.kind === "failure") throw new Error(outcome.said);
  return outcome.token;
}

/** Fails the test unless it is a failure. */
export function failureIn(outcome: Outcome): string {
  if (outcome.kind === "token") throw new Error("a token was given");
  return outcome.said;
}
