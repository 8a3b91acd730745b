import type { IncomingHttpHeaders } from "node:http";
import { type Socket, isIP } from "node:net";
import { Readable } from "node:stream";
import { type Dispatcher, Pool, buildConnector } from "undici";
import type { Target } from "../config/run/backend.ts";
import { Refusal } from "../errors.ts";
import type { HeaderList } from "./headers.ts";
import { type Patience, createPatience, inTurn } from "./patience.ts";
import type { Upgrade } from "./upgrade.ts";
import { upstreamFailure } from "./upstream-failure.ts";

export type UpstreamRequest = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderList;
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
 * a connection stands at once or not at all.
 */
export const defaultTimeouts: Timeouts = { connect: 10_000, firstByte: 600_000, idle: 300_000 };

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
  const pool = new Pool(`${tls === undefined ? "http" : "https"}://${authority}`, {
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: keepAlive,
    maxHeaderSize: maxAnswerHeaders,
    connect: connector(target, timeouts, dial, (socket) => {
      connections += 1;
      socket.once("close", () => (connections -= 1));
    }),
  });
  let connections = 0;
  let running = 0;
  return { send, close: () => pool.close(), destroy: () => pool.destroy() };

  function send(request: UpstreamRequest, receiver: Receiver): Call {
    const { body } = request;
    const firstByte = request.timeouts?.firstByte ?? timeouts.firstByte;
    // One request at a time on each: with more connections than requests, one of them is kept alive.
    const reused = connections > running;
    running += 1;
    let controller: Dispatcher.DispatchController | undefined;
    let begun = false;
    let over = false;
    let aborted = false;
    const finish = (): void => {
      patience.end();
      if (!over) running -= 1;
      over = true;
    };
    const cut = (reason: Error): void => {
      aborted = true;
      finish();
      controller?.abort(reason);
    };
    // undici's own counts the time that the caller takes to send its body as the backend's.
    const patience = createPatience(body.kind === "stream" ? firstByte : 0, () => {
      if (aborted || begun) return;
      cut(abandoned);
      const cause = new Error(`no answer within ${firstByte} ms of the body's last byte`);
      receiver.fail(new Refusal({ kind: "upstream_timeout", phase: "first_byte" }, cause));
    });
    /** One that does not say to which protocol: nothing that follows can be read. */
    const refuseSwitch = (): void => {
      cut(abandoned);
      receiver.fail(new Refusal({ kind: "upstream_protocol" }, new Error("a 101 without Upgrade")));
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (aborted) started.abort(abandoned);
      },
      onResponseStart(_, status, headers, statusText) {
        if (status === 101 && !aborted) return refuseSwitch();
        // Interim answers (RFC 9110, section 15.2) concern this connection alone.
        if (status < 200 || aborted) return;
        begun = true;
        patience.end();
        receiver.head(status, headers, statusText);
      },
      onResponseData(_, chunk) {
        if (!aborted) receiver.data(chunk);
      },
      onRequestUpgrade(_, status, headers, socket) {
        begun = true;
        patience.end();
        // In use until it is closed.
        socket.once("close", finish);
        if (aborted) return void socket.destroy();
        const refusal = request.upgrade?.take(status, headers, socket);
        if (refusal === undefined) return receiver.head(status, headers, undefined);
        socket.destroy();
        receiver.fail(refusal);
      },
      onResponseEnd() {
        finish();
        if (!aborted) receiver.end();
      },
      onResponseError(_, error) {
        // undici attaches what it could not parse, which may be a completion; errors are logged.
        Reflect.deleteProperty(error, "data");
        finish();
        if (aborted) return;
        const reason = upstreamFailure(error);
        const stale = reason.kind === "upstream_reset" && reused && !begun;
        receiver.fail(new Refusal(stale ? { ...reason, reused: true } : reason, error));
      },
    };
    pool.dispatch(
      {
        method: request.method,
        path: request.path,
        headers: [...request.headers, ...lengthHeader(body)],
        body: bodyOf(body, patience),
        headersTimeout: body.kind === "stream" ? 0 : firstByte,
        bodyTimeout: request.timeouts?.idle ?? timeouts.idle,
        upgrade: request.upgrade?.protocol ?? null,
        // Otherwise the Host header, which may be the caller's, would name the certificate to ask for.
        ...(serverName === undefined ? {} : { servername: serverName }),
      },
      handler,
    );
    return {
      abort() {
        if (!aborted) cut(abandoned);
      },
      pause: () => controller?.pause(),
      resume: () => controller?.resume(),
    };
  }
}

const abandoned = new Error("the caller closed the connection");

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

function lengthHeader(body: UpstreamBody): string[] {
  if (body.kind === "none" || body.length === undefined) return [];
  return ["content-length", String(body.length)];
}

function bodyOf(body: UpstreamBody, patience: Patience): Buffer | Readable | null {
  if (body.kind === "none") return null;
  if (body.kind === "stream") {
    return Readable.from(inTurn(body.chunks(), patience), { objectMode: false });
  }
  const [first = null, ...more] = body.chunks;
  return more.length === 0 ? first : Readable.from(body.chunks, { objectMode: false });
}
