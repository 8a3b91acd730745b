/** What the access log says of a request. No body, no header value, no query: those carry secrets. */
export type AccessRecord = {
  readonly requestId: string;
  readonly bind: number;
  readonly method: string;
  /** As the caller wrote it, without the query. */
  readonly path: string;
  listener?: string;
  route?: string;
  backend?: string;
  caller?: CallerRecord;
  /** Requests sent upstream; more than one after a retry. */
  attempts: number;
  /** Backends that were tried and did not do, in order. */
  tries?: FailedTry[];
  /** Why a request that failed was not tried elsewhere. */
  notRetried?: string;
  upstreamStatus?: number;
  upstreamRequestId?: string;
  modelRequested?: string;
  modelSent?: string;
  stream?: boolean;
  tokens?: Tokens;
  /** Of a WebSocket: the code of the first close frame, and who sent it. */
  closeCode?: number;
  closedBy?: "caller" | "backend";
  requestBytes: number;
  responseBytes: number;
  /** Milliseconds from the request's arrival to the first byte of the answer's body. */
  timeToFirstByte?: number;
  outcome: string;
};

export type FailedTry =
  | { readonly backend: string; readonly status: number }
  | { readonly backend: string; readonly reason: string };

/** Who called: the name of a key, or the subject and application of a token. Never the credential. */
export type CallerRecord =
  { readonly key: string } | { readonly subject: string; readonly application?: string };

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
    attempts: 0,
    requestBytes: 0,
    responseBytes: 0,
    outcome: "ok",
  };
}
