import type { Request, Response } from "express";
import type { Log } from "../access-log.ts";
import type { RouteTimeouts } from "../config/run/policies.ts";
import { accessRecord } from "./access-record.ts";
import { unknownCaller } from "./caller.ts";
import { type Exchange, requestId, requestTarget, unchangedPath } from "./exchange.ts";
import { tokensUsed } from "./tokens-used.ts";
import type { UnderWay } from "./under-way.ts";

export type Arrival = {
  /** Port of the bind, as configured. */
  readonly port: number;
  readonly log: Log;
  readonly randomId: () => string;
  readonly underWay: UnderWay;
  /** Called when the answer has ended, or the caller has gone. */
  readonly onEnd: (exchange: Exchange) => void;
};

const unlimited: RouteTimeouts = { request: undefined, total: undefined };

/** A request as it comes in. When it ends, its line goes to the access log. */
export function arrive(
  request: Request,
  response: Response,
  { port, log, randomId, underWay, onEnd }: Arrival,
): Exchange {
  const { method, url, headers } = request;
  const id = requestId(headers["x-request-id"], randomId);
  const location = requestTarget(url, headers.host);
  // The host of an absolute URL takes the place of Host for all that follows (RFC 9112, 3.2.2).
  if (location !== undefined && location.authority !== "") headers.host = location.authority;
  const exchange: Exchange = {
    request,
    response,
    id,
    arrived: performance.now(),
    hostname: location?.hostname ?? "",
    target: location?.target ?? "",
    pathChange: unchangedPath,
    authority: { kind: "auto" },
    requestEdits: [],
    answerEdits: [],
    caller: unknownCaller,
    spentHeader: undefined,
    timeouts: unlimited,
    streamKeepAlive: undefined,
    onTokens: [],
    // Of a whole URL only the path, for it may carry a password.
    record: accessRecord(id, port, method, location?.target ?? url.replace(/^.*@/, "")),
    work: undefined,
    goAway: undefined,
    closed: false,
  };
  const leave = underWay.begin(exchange);
  response.on("close", () => {
    exchange.closed = true;
    leave();
    const { record, onTokens } = exchange;
    // What becomes of a WebSocket, whoever looks after it says.
    if (!response.writableFinished && record.outcome === "ok" && response.statusCode !== 101) {
      record.outcome = "client_closed";
    }
    exchange.work?.abandon();
    if (onTokens.length > 0) {
      const used = tokensUsed(record);
      if (used !== undefined) for (const settle of onTokens) settle(used);
    }
    onEnd(exchange);
    // nginx's status for a caller that went before it was answered.
    const status = response.headersSent ? response.statusCode : 499;
    log.access(record, status, exchange.arrived, performance.now());
  });
  return exchange;
}
