/**
 * What the access log says of a request. No body, no header value, no query: those carry secrets.
 * Each has all members from the start: V8 copies and reads objects of one shape far faster.
 */
export type AccessRecord = {
  readonly requestId: string;
  readonly bind: number;
  readonly method: string;
  /** As the caller wrote it, without the query. */
  readonly path: string;
  listener: string | undefined;
  route: string | undefined;
  backend: string | undefined;
  caller: CallerRecord | undefined;
  /** Requests sent upstream; more than one after a retry. */
  attempts: number;
  /** Backends that were tried and did not do, in order. */
  tries: FailedTry[] | undefined;
  /** Why a request that failed was not tried elsewhere. */
  notRetried: string | undefined;
  upstreamStatus: number | undefined;
  upstreamRequestId: string | undefined;
  modelRequested: string | undefined;
  modelSent: string | undefined;
  stream: boolean | undefined;
  tokens: Tokens | undefined;
  /** Of a WebSocket: the code of the first close frame, and who sent it. */
  closeCode: number | undefined;
  closedBy: "caller" | "backend" | undefined;
  /** What the prompt guards said of the request and of the answer. */
  promptGuard: { readonly request?: GuardRecord; readonly response?: GuardRecord } | undefined;
  requestBytes: number;
  responseBytes: number;
  /** Milliseconds from the request's arrival to the first byte of the answer's body. */
  timeToFirstByte: number | undefined;
  outcome: string;
};

export type FailedTry =
  | { readonly backend: string; readonly status: number }
  | { readonly backend: string; readonly reason: string };

/** Who called: the name of a key, or the subject and application of a token. Never the credential. */
export type CallerRecord =
  { readonly key: string } | { readonly subject: string; readonly application?: string };

/** A stream is `not_checked`. */
export type GuardRecord =
  | { readonly verdict: "allowed" | "not_checked" }
  /** Categories with their severity, blocklists by name, kinds of attack; never the text. */
  | { readonly verdict: "rejected"; readonly found: readonly string[] }
  | { readonly verdict: "failed_open" | "failed_closed"; readonly failure: string };

export type Tokens = { readonly input: number; readonly output: number; readonly total: number };

export function accessRecord(
  requestId: string,
  bind: number,
  method: string,
  target: string,
): AccessRecord {
  const query = target.indexOf("?");
  return {
    requestId,
    bind,
    method,
    path: query === -1 ? target : target.slice(0, query),
    listener: undefined,
    route: undefined,
    backend: undefined,
    caller: undefined,
    attempts: 0,
    tries: undefined,
    notRetried: undefined,
    upstreamStatus: undefined,
    upstreamRequestId: undefined,
    modelRequested: undefined,
    modelSent: undefined,
    stream: undefined,
    tokens: undefined,
    closeCode: undefined,
    closedBy: undefined,
    promptGuard: undefined,
    requestBytes: 0,
    responseBytes: 0,
    timeToFirstByte: undefined,
    outcome: "ok",
  };
}
