import type { Reason } from "./errors.ts";

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly error: {
      readonly message: string;
      readonly type: ErrorType;
      readonly code: string;
      readonly param: string | null;
    };
  };
};

type ErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "permission_error"
  | "rate_limit_error"
  | "api_error"
  | "timeout_error";

/** The answer on the wire, in the shape of OpenAI's API errors. */
export function answer(reason: Reason): Answer {
  switch (reason.kind) {
    case "malformed_request":
      return invalid(400, reason.kind, "The request is not well-formed HTTP.");
    case "head_too_large":
      return invalid(431, reason.kind, "The request has too many headers, or too long ones.");
    case "request_incomplete":
      return invalid(408, reason.kind, "The request did not arrive in time.");
    case "bad_request_target":
      return invalid(400, reason.kind, "The request target is not a path.");
    case "no_route":
      return invalid(404, reason.kind, "No route of this gateway matches the request.");
    case "bad_handshake":
      return invalid(400, reason.kind, `The WebSocket handshake is not valid: ${reason.detail}.`);
    case "websocket_version":
      return invalid(426, reason.kind, "This endpoint takes version 13 of WebSocket.", null, {
        "sec-websocket-version": "13",
      });
    case "method_not_allowed":
      return invalid(405, reason.kind, `This endpoint takes ${reason.allow}.`, null, {
        allow: reason.allow,
      });
    case "body_too_large":
      return invalid(413, reason.kind, `The request body is larger than ${reason.limit} bytes.`);
    case "unsupported_media_type":
      return invalid(
        415,
        reason.kind,
        `The request body must be JSON: send content-type: application/json${reason.got === "" ? "." : `, not ${reason.got}.`}`,
      );
    case "not_a_form":
      return invalid(
        415,
        "unsupported_media_type",
        `The request body must be a form: send content-type: multipart/form-data with its boundary${reason.got === "" ? "." : `, not ${reason.got}.`}`,
      );
    case "unsupported_content_encoding":
      return invalid(
        415,
        reason.kind,
        `Content-Encoding ${reason.got} is not supported here: send gzip, br, deflate, or no encoding.`,
        null,
        { "accept-encoding": "gzip, br, deflate" },
      );
    case "undecodable_body":
      return invalid(400, reason.kind, `The request body is not valid ${reason.encoding}.`);
    case "invalid_json":
      return invalid(400, reason.kind, `The request body is not valid JSON: ${reason.detail}.`);
    case "not_an_object":
      return invalid(400, reason.kind, "The request body must be a JSON object.");
    case "missing_field":
      return invalid(
        400,
        "missing_required_parameter",
        `Missing required parameter: '${reason.field}'.`,
        reason.field,
      );
    case "wrong_field":
      return invalid(
        400,
        "invalid_type",
        `Invalid type for '${reason.field}': expected ${reason.expected}.`,
        reason.field,
      );
    case "unauthenticated":
      return refused(
        401,
        "missing_credential",
        "No credential was sent: use Authorization: Bearer, or the api-key header.",
        { "www-authenticate": reason.challenge },
      );
    case "invalid_credential":
      return refused(401, "invalid_api_key", "The API key or token is not valid here.", {
        "www-authenticate": reason.challenge,
      });
    case "insufficient_scope":
      return refused(403, reason.kind, "The token lacks the role or scope that this route needs.", {
        "www-authenticate": reason.challenge,
      });
    case "model_not_allowed":
      return refused(403, reason.kind, `This API key may not use ${reason.model}.`);
    case "model_not_found":
      return invalid(404, reason.kind, `There is no model ${reason.model} here.`, "model");
    case "authentication_unavailable":
      return failed(503, reason.kind, "The gateway cannot check tokens at the moment.", {
        "retry-after": "5",
      });
    case "rate_limited":
      return refused(
        429,
        "rate_limit_exceeded",
        `Rate limit for ${reason.unit} reached: try again in ${reason.retryAfter} s.`,
        { "retry-after": String(reason.retryAfter) },
      );
    case "backends_limited":
      return refused(
        429,
        "rate_limit_exceeded",
        `Every backend is at its limit: try again in ${reason.retryAfter} s.`,
        { "retry-after": String(reason.retryAfter) },
      );
    case "owner_unavailable":
      return failed(
        503,
        reason.kind,
        "The backend that has what the request refers to cannot be asked at the moment.",
        { "retry-after": "5" },
      );
    case "content_rejected":
      // The code of Azure OpenAI's own filter.
      return refused(
        reason.rejection.status,
        "content_filter",
        `The ${reason.phase} was rejected due to inappropriate content.`,
      );
    case "guard_unavailable":
      return failed(503, reason.kind, "The content cannot be checked at the moment.", {
        "retry-after": "5",
      });
    case "uncheckable_body":
      return invalid(400, reason.kind, `The request body cannot be checked: ${reason.detail}.`);
    case "request_timeout":
      return failed(
        504,
        reason.kind,
        "The backend did not answer in the time this route gives it.",
      );
    case "credential_unavailable":
      return failed(502, reason.kind, "The gateway could not authenticate to the backend.");
    case "upstream_dns":
    case "upstream_connect":
    case "upstream_tls":
      return failed(502, reason.kind, "The gateway could not connect to the backend.");
    case "upstream_protocol":
      return failed(502, reason.kind, "The backend's answer could not be understood.");
    case "upstream_reset":
      return failed(502, reason.kind, "The backend closed the connection before it had answered.");
    case "upstream_timeout":
      return failed(504, `upstream_${reason.phase}_timeout`, "The backend did not answer in time.");
    case "draining":
      return failed(503, reason.kind, "The gateway is shutting down.", { "retry-after": "1" });
    case "client_closed":
      // nginx's status for the log; nobody is left to read it.
      return failed(499, reason.kind, "The caller closed the connection.");
    case "internal":
      return failed(500, "internal_error", "The gateway could not serve the request.");
  }
}

function invalid(
  status: number,
  code: string,
  message: string,
  param: string | null = null,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers,
    body: { error: { message, type: "invalid_request_error", code, param } },
  };
}

const refusalTypes: Readonly<Record<number, ErrorType>> = {
  401: "authentication_error",
  403: "permission_error",
  429: "rate_limit_error",
};

function refused(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const type = refusalTypes[status] ?? "invalid_request_error";
  return { status, headers, body: { error: { message, type, code, param: null } } };
}

function failed(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const type = status === 504 ? "timeout_error" : "api_error";
  return { status, headers, body: { error: { message, type, code, param: null } } };
}
