import type { Rejection } from "./config/run/backend.ts";

/** Why a request could not be served: one name for each answer a caller can get from the gateway. */
export type Reason =
  /** Not HTTP, or HTTP that two servers may read in two ways. */
  | { readonly kind: "malformed_request" }
  | { readonly kind: "head_too_large" }
  /** The request did not arrive in the time it has. */
  | { readonly kind: "request_incomplete" }
  | { readonly kind: "bad_request_target" }
  | { readonly kind: "no_route" }
  /** Of a WebSocket (RFC 6455, section 4.2.1). */
  | { readonly kind: "bad_handshake"; readonly detail: string }
  | { readonly kind: "websocket_version" }
  | { readonly kind: "method_not_allowed"; readonly allow: string }
  | { readonly kind: "body_too_large"; readonly limit: number }
  | { readonly kind: "unsupported_media_type"; readonly got: string }
  | { readonly kind: "not_a_form"; readonly got: string }
  | { readonly kind: "unsupported_content_encoding"; readonly got: string }
  | { readonly kind: "undecodable_body"; readonly encoding: string }
  | { readonly kind: "invalid_json"; readonly detail: string }
  | { readonly kind: "not_an_object" }
  | { readonly kind: "missing_field"; readonly field: string }
  | { readonly kind: "wrong_field"; readonly field: string; readonly expected: string }
  /** `challenge` is the value of WWW-Authenticate (RFC 9110, section 11.6.1). */
  | { readonly kind: "unauthenticated"; readonly challenge: string }
  | { readonly kind: "invalid_credential"; readonly challenge: string }
  | { readonly kind: "insufficient_scope"; readonly challenge: string }
  | { readonly kind: "authentication_unavailable" }
  | { readonly kind: "model_not_allowed"; readonly model: string }
  | { readonly kind: "model_not_found"; readonly model: string }
  /** `retryAfter` in seconds. */
  | {
      readonly kind: "rate_limited";
      readonly unit: "requests" | "tokens";
      readonly retryAfter: number;
    }
  /** Every backend has said to be left alone; `retryAfter` in seconds, until the first is up again. */
  | { readonly kind: "backends_limited"; readonly retryAfter: number }
  /** The one backend that has what was asked for could not be asked. */
  | { readonly kind: "owner_unavailable" }
  /** A prompt guard has found what its config does not let through. */
  | {
      readonly kind: "content_rejected";
      readonly phase: "request" | "response";
      readonly rejection: Rejection;
    }
  /** A prompt guard could not check, and nothing goes unchecked. */
  | { readonly kind: "guard_unavailable" }
  /** A prompt guard would not see what the model is told; `detail` says why, not what. */
  | { readonly kind: "uncheckable_body"; readonly detail: string }
  | { readonly kind: "request_timeout" }
  | { readonly kind: "credential_unavailable" }
  | { readonly kind: "upstream_dns" }
  | { readonly kind: "upstream_connect" }
  | { readonly kind: "upstream_tls" }
  | { readonly kind: "upstream_protocol" }
  /** `reused`: before it had answered, on a connection that had served before and may have gone stale. */
  | { readonly kind: "upstream_reset"; readonly reused?: true }
  | { readonly kind: "upstream_timeout"; readonly phase: TimeoutPhase }
  | { readonly kind: "draining" }
  | { readonly kind: "client_closed" }
  | { readonly kind: "internal" };

/**
 * `connect`: until the connection stands; `first_byte`: until the answer begins; `idle`: between
 * chunks; `total`: until the answer has ended.
 */
export type TimeoutPhase = "connect" | "first_byte" | "idle" | "total";

/** A reason in one word, for the log. */
export function outcomeOf(reason: Reason): string {
  return reason.kind === "upstream_timeout" ? `upstream_${reason.phase}_timeout` : reason.kind;
}

/** Thrown to end a request; `cause` is for the log, never for the caller. */
export class Refusal extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, cause?: unknown) {
    super(reason.kind, cause === undefined ? undefined : { cause });
    this.name = "Refusal";
    this.reason = reason;
  }
}

/** Whether what follows on the connection cannot be trusted to be a request. */
export function endsConnection({ kind }: Reason): boolean {
  return (
    kind === "malformed_request" ||
    kind === "head_too_large" ||
    kind === "request_incomplete" ||
    kind === "bad_request_target"
  );
}
