// A client_credentials request: which application asks, with what, and for which scope.
import {
  type EntraError,
  noCredential,
  unknownApplication,
  wrongAssertion,
  wrongGrant,
  wrongScope,
  wrongSecret,
} from "./entra-error.ts";

export type Application = {
  /** The identity in the token's record. */
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** The assertion a workload identity must present. */
  readonly federatedToken?: string;
};

type Credential = "secret" | "assertion" | "none";

export type Grant =
  | {
      readonly kind: "granted";
      readonly credential: Credential;
      readonly application: Application;
      /** With its `/.default`. */
      readonly scope: string;
    }
  | { readonly kind: "refused"; readonly credential: Credential; readonly error: EntraError };

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

export function grantOf(
  form: URLSearchParams,
  tenantId: string,
  applications: readonly Application[],
): Grant {
  const secret = form.get("client_secret");
  const assertion = form.get("client_assertion");
  const credential = secret !== null ? "secret" : assertion !== null ? "assertion" : "none";
  const refused = (error: EntraError): Grant => ({ kind: "refused", credential, error });

  if (form.get("grant_type") !== "client_credentials") return refused(wrongGrant());

  const clientId = form.get("client_id") ?? "";
  const application = applications.find((candidate) => candidate.clientId === clientId);
  if (application === undefined) return refused(unknownApplication(clientId, tenantId));

  if (secret !== null) {
    if (secret !== application.clientSecret) return refused(wrongSecret(clientId));
  } else if (assertion !== null) {
    const right = form.get("client_assertion_type") === assertionType;
    if (!right || assertion !== application.federatedToken) return refused(wrongAssertion());
  } else {
    return refused(noCredential());
  }

  // Clients add OpenID's own scopes at will.
  const scopes = (form.get("scope") ?? "").split(" ").filter((scope) => scope.includes(":"));
  const scope = scopes[0];
  if (scope === undefined || scopes.length > 1 || !scope.endsWith("/.default")) {
    return refused(wrongScope(scopes.join(" ")));
  }
  return { kind: "granted", credential, application, scope };
}
