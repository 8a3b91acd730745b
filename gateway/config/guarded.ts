import type { Backend, BackendAuth } from "./run/backend.ts";
import type { RoutePolicies } from "./run/policies.ts";

/** Whether a request to these backends is paid for by the gateway's owner, whoever sends it. */
export function spendsCredential(backends: readonly Backend[]): boolean {
  return backends.some(({ auth, traffic }) => {
    const { request = [], response = [] } =
      (traffic.kind === "ai" ? traffic.policy?.guards : undefined) ?? {};
    return isOurs(auth) || [...request, ...response].some((guard) => isOurs(guard.auth));
  });
}

/** With `passthrough` the caller brings the credential. */
function isOurs({ kind }: BackendAuth): boolean {
  return kind === "azure" || kind === "key";
}

/** Whether only callers that a check knows get through. */
export function isGuarded({ apiKey, jwtAuth }: RoutePolicies): boolean {
  return apiKey?.mode === "strict" || jwtAuth?.mode === "strict";
}
