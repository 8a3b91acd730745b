import type { Logger } from "pino";
import type { AccessRecord } from "./request/access-record.ts";

/** Where the gateway writes what happens. */
export type Log = Pick<Logger, "info" | "warn" | "error">;

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
  const { timeToFirstByte, ...rest } = record;
  log.info(
    {
      ...rest,
      status,
      ...(timeToFirstByte === undefined
        ? {}
        : { timeToFirstByteMs: milliseconds(timeToFirstByte - arrived) }),
      durationMs: milliseconds(ended - arrived),
    },
    "request",
  );
}

function milliseconds(value: number): number {
  return Math.round(value * 100) / 100;
}
