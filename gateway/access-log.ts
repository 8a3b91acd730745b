import type { Logger } from "pino";
import type { AccessRecord } from "./request/access-record.ts";

/** Where the gateway writes what happens. */
export type Log = Pick<Logger, "info" | "warn" | "error">;

/** Member by member: a spread of so many costs more than the rest of the line. */
type Line = Omit<AccessRecord, "timeToFirstByte"> & {
  readonly status: number;
  readonly timeToFirstByteMs: number | undefined;
  readonly durationMs: number;
};

/**
 * One line for each request, written when its answer has ended.
 * @param arrived, ended milliseconds of the monotonic clock
 */
export function logAccess(
  log: Log,
  record: AccessRecord,
  status: number,
  arrived: number,
  ended: number,
): void {
  const { timeToFirstByte } = record;
  log.info(
    {
      requestId: record.requestId,
      bind: record.bind,
      method: record.method,
      path: record.path,
      listener: record.listener,
      route: record.route,
      backend: record.backend,
      caller: record.caller,
      attempts: record.attempts,
      tries: record.tries,
      notRetried: record.notRetried,
      upstreamStatus: record.upstreamStatus,
      upstreamRequestId: record.upstreamRequestId,
      modelRequested: record.modelRequested,
      modelSent: record.modelSent,
      stream: record.stream,
      tokens: record.tokens,
      promptGuard: record.promptGuard,
      requestBytes: record.requestBytes,
      responseBytes: record.responseBytes,
      outcome: record.outcome,
      status,
      timeToFirstByteMs:
        timeToFirstByte === undefined ? undefined : milliseconds(timeToFirstByte - arrived),
      durationMs: milliseconds(ended - arrived),
    } satisfies Line,
    "request",
  );
}

function milliseconds(value: number): number {
  return Math.round(value * 100) / 100;
}
