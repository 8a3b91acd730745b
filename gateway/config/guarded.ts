import type { Backend } from "./run/backend.ts";
import type { RoutePolicies } from "./run/policies.ts";

/** Whether a request to these backends is paid for by the gateway's owner, whoever sends it. */
export function spendsCredential(backends: readonly Backend[]): boolean {
  // With `passthrough` the caller brings the credential.
  return backends.some(({ auth }) => auth.kind === "azure" || auth.kind === "key");
}

/** Whether only callers that a check knows get through. */
export function isGuarded({ apiKey, jwtAuth }: RoutePolicies): boolean {
  return apiKey?.mode === "strict" || jwtAuth?.mode === "strict";
}
