import type { Mode } from "../../config/run/policies.ts";
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../request/exchange.ts";
import type { CompilePolicy, Verdict } from "../policy.ts";
import { apiKeyCheck } from "./api-key.ts";
import type { Check, Finding } from "./credential.ts";
import { jwtCheck } from "./jwt.ts";
import { createKeySet } from "./key-set.ts";

type Checking = { readonly check: Check; readonly mode: Mode };

/**
 * Finds out who calls. Where a route takes both API keys and JWTs, either will do. A request is
 * refused when no check knows its credential, unless every check is permissive, and when it has none
 * while a check is strict.
 */
export const authentication: CompilePolicy = ({ apiKey, jwtAuth }, { clock, fetch }) => {
  const checks: Checking[] = [];
  if (apiKey !== undefined) checks.push({ check: apiKeyCheck(apiKey), mode: apiKey.mode });
  if (jwtAuth !== undefined) {
    const keys = createKeySet(jwtAuth, clock, fetch);
    checks.push({ check: jwtCheck(jwtAuth, keys, clock.now), mode: jwtAuth.mode });
  }
  if (checks.length === 0) return undefined;
  const [only] = checks;
  if (only !== undefined && checks.length === 1) {
    return (exchange) => {
      const finding = only.check(exchange);
      return finding instanceof Promise
        ? finding.then((found) => decide(exchange, checks, [found]))
        : finding.kind === "valid"
          ? admit(exchange, finding)
          : decide(exchange, checks, [finding]);
    };
  }
  return async (exchange) => {
    const findings: Finding[] = [];
    for (const { check } of checks) {
      const finding = await check(exchange);
      findings.push(finding);
      if (finding.kind === "valid") break;
    }
    return decide(exchange, checks, findings);
  };
};

function decide(
  exchange: Exchange,
  checks: readonly Checking[],
  findings: readonly Finding[],
): Verdict {
  const valid = findings.find((finding) => finding.kind === "valid");
  if (valid !== undefined) return admit(exchange, valid);
  if (checks.every(({ mode }) => mode === "permissive")) return "next";
  const unavailable = findings.find((finding) => finding.kind === "unavailable");
  if (unavailable !== undefined) {
    throw new Refusal({ kind: "authentication_unavailable" }, unavailable.cause);
  }
  const refused = findings.findLast((finding) => finding.kind === "invalid");
  if (refused !== undefined) throw new Refusal(refusal(refused.error, refused.description));
  if (checks.some(({ mode }) => mode === "strict")) {
    // Without an error code: the caller has not tried yet (RFC 6750, section 3.1).
    throw new Refusal({ kind: "unauthenticated", challenge: realm });
  }
  return "next";
}

function admit(exchange: Exchange, { caller, spentHeader }: Valid): Verdict {
  exchange.caller = caller;
  exchange.spentHeader = spentHeader;
  exchange.record.caller = caller.record;
  return "next";
}

type Valid = Extract<Finding, { kind: "valid" }>;

const realm = 'Bearer realm="foundry-gateway"';

function refusal(error: "invalid_token" | "insufficient_scope", description: string) {
  const challenge = `${realm}, error="${error}", error_description="${description}"`;
  return error === "insufficient_scope"
    ? ({ kind: "insufficient_scope", challenge } as const)
    : ({ kind: "invalid_credential", challenge } as const);
}
