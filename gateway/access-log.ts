import { type DestinationStream, type Logger, pino } from "pino";
import type { AccessRecord } from "./request/access-record.ts";

/** Where the gateway writes what happens: a line of JSON for each event. */
export type Log = Pick<Logger, "info" | "warn" | "error"> & {
  /**
   * One line for each request, written when its answer has ended.
   * @param arrived, ended milliseconds of the monotonic clock
   */
  access(record: AccessRecord, status: number, arrived: number, ended: number): void;
};

export function createLog(sink: DestinationStream): Log {
  const log = pino({ base: null }, sink);
  return Object.assign(log, {
    access(...request: Parameters<Log["access"]>): void {
      sink.write(accessLine(...request));
    },
  });
}

/** As pino would write it, member by member and in one go: at a quarter of what it costs there. */
function accessLine(record: AccessRecord, status: number, arrived: number, ended: number): string {
  const { timeToFirstByte } = record;
  const line = {
    level: pino.levels.values["info"],
    time: Date.now(),
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
    closeCode: record.closeCode,
    closedBy: record.closedBy,
    promptGuard: record.promptGuard,
    requestBytes: record.requestBytes,
    responseBytes: record.responseBytes,
    outcome: record.outcome,
    status,
    timeToFirstByteMs:
      timeToFirstByte === undefined ? undefined : milliseconds(timeToFirstByte - arrived),
    durationMs: milliseconds(ended - arrived),
    msg: "request",
  } satisfies Line;
  return `${JSON.stringify(line)}\n`;
}

/** Every member of the record has its place in the line. */
type Line = Record<Exclude<keyof AccessRecord, "timeToFirstByte">, unknown> &
  Record<string, unknown>;

function milliseconds(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Milliseconds that a line waits for others, and characters with which it waits no longer. */
const gathering = { longest: 20, most: 16 * 1024 };

/**
 * Writes several lines in one piece: a call to the system costs more than a line does.
 * @returns `flush` writes what waits; for the end of the process
 */
export function gathered(sink: DestinationStream): DestinationStream & { flush(): void } {
  let pending = "";
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const text = pending;
    pending = "";
    if (text !== "") sink.write(text);
  };
  return {
    write(text) {
      pending += text;
      if (pending.length >= gathering.most) flush();
      else timer ??= setTimeout(flush, gathering.longest).unref();
    },
    flush,
  };
}
