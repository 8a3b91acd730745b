import type { Reason } from "../errors.ts";

/** The system's and undici's error codes -> what went wrong in our words. */
const reasons: Readonly<Record<string, Reason>> = {
  ENOTFOUND: { kind: "upstream_dns" },
  EAI_AGAIN: { kind: "upstream_dns" },
  EAI_FAIL: { kind: "upstream_dns" },
  EAI_NODATA: { kind: "upstream_dns" },
  ECONNREFUSED: { kind: "upstream_connect" },
  EHOSTUNREACH: { kind: "upstream_connect" },
  ENETUNREACH: { kind: "upstream_connect" },
  EADDRNOTAVAIL: { kind: "upstream_connect" },
  EMFILE: { kind: "upstream_connect" },
  ETIMEDOUT: { kind: "upstream_timeout", phase: "connect" },
  UND_ERR_CONNECT_TIMEOUT: { kind: "upstream_timeout", phase: "connect" },
  UND_ERR_HEADERS_TIMEOUT: { kind: "upstream_timeout", phase: "first_byte" },
  UND_ERR_BODY_TIMEOUT: { kind: "upstream_timeout", phase: "idle" },
  UND_ERR_SOCKET: { kind: "upstream_reset" },
  ECONNRESET: { kind: "upstream_reset" },
  EPIPE: { kind: "upstream_reset" },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { kind: "upstream_reset" },
  UND_ERR_HEADERS_OVERFLOW: { kind: "upstream_protocol" },
};

/** What the system was asked to do when it failed, for codes that are not above. */
const bySystemCall: Readonly<Record<string, Reason>> = {
  getaddrinfo: { kind: "upstream_dns" },
  connect: { kind: "upstream_connect" },
  read: { kind: "upstream_reset" },
  write: { kind: "upstream_reset" },
};

/** OpenSSL's verdicts on a certificate, as Node names them. */
const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

export function upstreamFailure(error: unknown): Reason {
  for (let cause = error; cause instanceof Error; cause = firstCause(cause)) {
    const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
    const reason = reasons[code];
    if (reason !== undefined) return reason;
    // undici leaves its code out.
    if (cause.name === "HTTPParserError") return { kind: "upstream_protocol" };
    if (tlsCode.test(code)) return { kind: "upstream_tls" };
    const call = "syscall" in cause && typeof cause.syscall === "string" ? cause.syscall : "";
    const failed = bySystemCall[call];
    if (failed !== undefined) return failed;
  }
  return { kind: "internal" };
}

/** Connecting to several addresses at once fails with one error for each. */
function firstCause(error: Error): unknown {
  return error instanceof AggregateError ? error.errors[0] : error.cause;
}
