import type { IncomingHttpHeaders } from "node:http";
import { type Socket, isIP } from "node:net";
import { Pool, buildConnector } from "undici";
import type { Target } from "../config/run/backend.ts";
import type { Refusal } from "../errors.ts";
import { type Lines, send } from "./sending.ts";
import type { Upgrade } from "./upgrade.ts";

export type UpstreamRequest = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn, made for this request: what the connection needs is added to them. */
  readonly headers: string[];
  readonly body: UpstreamBody;
  /** Milliseconds; the transport's own where undefined. */
  readonly timeouts?: { readonly firstByte: number | undefined; readonly idle: number | undefined };
  readonly upgrade?: Upgrade;
};

/** Buffers can be sent again; a stream as long as it says so. */
export type UpstreamBody =
  | { readonly kind: "none" }
  | { readonly kind: "buffers"; readonly chunks: readonly Buffer[]; readonly length: number }
  | {
      readonly kind: "stream";
      /** From the first byte on, each time it is called. */
      chunks(): AsyncIterable<Uint8Array>;
      replayable(): boolean;
      /** Bytes, when the sender has said so. */
      readonly length: number | undefined;
    };

export function isReplayable(body: UpstreamBody): boolean {
  return body.kind !== "stream" || body.replayable();
}

/** Hears of an answer as it arrives. After `end` or `fail` nothing follows. */
export type Receiver = {
  head(status: number, headers: IncomingHttpHeaders, statusText: string | undefined): void;
  data(chunk: Buffer): void;
  end(): void;
  fail(refusal: Refusal): void;
};

/** A request under way. */
export type Call = {
  /** Closes the connection it runs on; the receiver hears nothing more. */
  abort(): void;
  /** Stops and restarts the flow of `data`, for a caller that reads slowly. */
  pause(): void;
  resume(): void;
};

/** Sends requests to one target over kept-alive connections. */
export type Transport = {
  send(request: UpstreamRequest, receiver: Receiver): Call;
  /** Waits for the requests under way. */
  close(): Promise<void>;
  /** Cuts the requests under way. */
  destroy(): Promise<void>;
};

/** Milliseconds. */
export type Timeouts = {
  readonly connect: number;
  readonly firstByte: number;
  readonly idle: number;
};

/**
 * A model may think for minutes before its first byte, and between chunks while it reasons;
 * a connection stands at once or not at all. The first two are one number: undici then keeps one timer
 * for both, where it would make a new one at the head of each answer.
 */
export const defaultTimeouts: Timeouts = { connect: 10_000, firstByte: 600_000, idle: 600_000 };

/** Where to connect for a target; the identity outside tests. */
export type Dial = (target: { readonly host: string; readonly port: number }) => {
  readonly host: string;
  readonly port: number;
};

/** Azure's gateways send up to 32 KiB of headers. */
const maxAnswerHeaders = 32 * 1024;
const keepAlive = 60_000;

export function createTransport(target: Target, timeouts: Timeouts, dial: Dial): Transport {
  const { tls, host, port } = target;
  const serverName = tls?.serverName ?? (isIP(host) === 0 ? host : undefined);
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const lines: Lines = { connected: 0, busy: 0 };
  const pool = new Pool(`${tls === undefined ? "http" : "https"}://${authority}`, {
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: keepAlive,
    maxHeaderSize: maxAnswerHeaders,
    connect: connector(target, timeouts, dial, (socket) => {
      lines.connected += 1;
      socket.once("close", () => (lines.connected -= 1));
    }),
  });
  return {
    send: (request, receiver) => send(pool, lines, request, receiver, timeouts, serverName),
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  };
}

function connector(
  { tls, host, port }: Target,
  timeouts: Timeouts,
  dial: Dial,
  onConnect: (socket: Socket) => void,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: timeouts.connect,
    allowH2: false,
    ...(tls?.roots === undefined ? {} : { ca: tls.roots }),
    ...(tls?.client === undefined ? {} : { cert: tls.client.cert, key: tls.client.key.reveal() }),
    ...(tls?.verify === "none" ? { rejectUnauthorized: false } : {}),
    ...(tls?.verify === "chain" ? { checkServerIdentity: () => undefined } : {}),
  });
  return (options, callback) => {
    const at = dial({ host, port });
    const to = { ...options, hostname: at.host, host: at.host, port: String(at.port) };
    connect(to, (...outcome) => {
      if (outcome[0] === null) onConnect(outcome[1]);
      callback(...outcome);
    });
  };
}
