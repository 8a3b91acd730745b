import { type JWTPayload, type JWTVerifyGetKey, errors, jwtVerify } from "jose";
import type { JwtAuth } from "../../config/run/policies.ts";
import type { Check, Finding } from "./credential.ts";
import { createRecent } from "./recent.ts";

/** Seconds that the issuer's clock and ours may differ. */
const clockTolerance = 60;
/** Longest token looked at, in bytes; it shares the limit of a request's head with all else. */
const maxToken = 24 * 1024;
/**
 * Milliseconds for which a token that was good is taken without another look at its signature, which
 * costs more than all the rest of a request. Its end is still its end.
 */
const taken = 60_000;
const jwtShape = /^bearer ([\w-]+\.[\w-]+\.[\w-]*)$/i;

/**
 * Checks JWTs, such as Entra ID access tokens: signature, issuer, audience, validity in time, and
 * the roles or scopes the route needs.
 */
export function jwtCheck(settings: JwtAuth, keys: JWTVerifyGetKey, now: () => number): Check {
  const options = {
    issuer: settings.issuer,
    audience: [...settings.audiences],
    algorithms: [...settings.algorithms],
    clockTolerance,
    requiredClaims: ["exp"],
  };
  const recent = createRecent<Finding>();
  return ({ request: { headers } }) => {
    const { authorization } = headers;
    if (authorization === undefined) return { kind: "absent" };
    const token = authorization.length > maxToken ? undefined : jwtShape.exec(authorization)?.[1];
    if (token === undefined) return invalid("not a JWT");
    return recent.get(token, now()) ?? verify(token);
  };

  async function verify(token: string): Promise<Finding> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...options,
        currentDate: new Date(now()),
      });
      if (!isEntitled(payload, settings)) {
        return {
          kind: "invalid",
          error: "insufficient_scope",
          description: "a role or scope is missing",
        };
      }
      const finding: Finding = {
        kind: "valid",
        caller: callerOf(payload),
        spentHeader: undefined,
      };
      const end = ((payload.exp ?? 0) + clockTolerance) * 1000;
      recent.keep(token, finding, Math.min(now() + taken, end));
      return finding;
    } catch (error) {
      if (error instanceof errors.JOSEError) return invalid(describe(error));
      // What else can fail is the issuer's key: not to be had, or not usable.
      return { kind: "unavailable", cause: error };
    }
  }
}

function invalid(description: string): Finding {
  return { kind: "invalid", error: "invalid_token", description };
}

/** What the caller may know of why a token was refused. */
function describe(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `claim ${error.claim} does not hold`;
  if (error instanceof errors.JWKSNoMatchingKey) return "signed with an unknown key";
  return "the token is not valid";
}

/** Application roles are in `roles`, delegated scopes in `scp`, separated by spaces. */
function isEntitled(
  { roles, scp }: JWTPayload,
  { requiredRoles, requiredScopes }: JwtAuth,
): boolean {
  if (requiredRoles.length + requiredScopes.length === 0) return true;
  const has: unknown[] = Array.isArray(roles) ? roles : [];
  const scopes = typeof scp === "string" ? scp.split(" ") : [];
  return (
    requiredRoles.some((role) => has.includes(role)) ||
    requiredScopes.some((scope) => scopes.includes(scope))
  );
}

/** Entra names the calling application `azp` in v2 tokens and `appid` in v1 tokens. */
function callerOf(payload: JWTPayload) {
  const subject = payload.sub ?? "";
  const application = [payload["azp"], payload["appid"]].find((claim) => typeof claim === "string");
  const record = application === undefined ? { subject } : { subject, application };
  return { id: `jwt:${payload.iss ?? ""}:${subject}`, allowedModels: undefined, record };
}
