import { Readable } from "node:stream";
import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import type { Dispatcher, Pool } from "undici";
import { Refusal } from "../errors.ts";
import { type Patience, createPatience, inTurn } from "./patience.ts";
import type { Call, Receiver, Timeouts, UpstreamBody, UpstreamRequest } from "./transport.ts";
import { upstreamFailure } from "./upstream-failure.ts";

/** Connections of a transport, and how many of them carry a request. */
export type Lines = { connected: number; busy: number };

/** @param serverName for the certificate; undefined leaves it to the Host header */
export function send(
  pool: Pool,
  lines: Lines,
  request: UpstreamRequest,
  receiver: Receiver,
  timeouts: Timeouts,
  serverName: string | undefined,
): Call {
  const { method, path, headers, body } = request;
  const firstByte = request.timeouts?.firstByte ?? timeouts.firstByte;
  const sending = new Sending(lines, request, receiver, firstByte);
  if (body.kind !== "none" && body.length !== undefined) {
    headers.push("content-length", String(body.length));
  }
  const options: Dispatcher.DispatchOptions & { servername?: string } = {
    method,
    path,
    headers,
    body: bodyOf(body, sending.patience),
    headersTimeout: body.kind === "stream" ? 0 : firstByte,
    bodyTimeout: request.timeouts?.idle ?? timeouts.idle,
    upgrade: request.upgrade?.protocol ?? null,
  };
  // Otherwise the Host header, which may be the caller's, would name the certificate to ask for.
  if (serverName !== undefined) options.servername = serverName;
  pool.dispatch(options, sending);
  return sending;
}

/** A request on its way: what undici tells of it, and what can be done about it. */
class Sending implements Call, Dispatcher.DispatchHandler {
  /** undici's own clock counts the time that the caller takes to send its body as the backend's. */
  readonly patience: Patience | undefined;
  private readonly lines: Lines;
  private readonly upgrade: UpstreamRequest["upgrade"];
  private readonly receiver: Receiver;
  /** Whether it runs on a connection that was kept alive. */
  private readonly reused: boolean;
  private controller: Dispatcher.DispatchController | undefined = undefined;
  private begun = false;
  private over = false;
  private aborted = false;

  /** @param firstByte milliseconds until the answer must begin */
  constructor(
    lines: Lines,
    { body, upgrade }: UpstreamRequest,
    receiver: Receiver,
    firstByte: number,
  ) {
    this.lines = lines;
    this.upgrade = upgrade;
    this.receiver = receiver;
    this.patience =
      body.kind === "stream" ? createPatience(firstByte, () => this.tooLate(firstByte)) : undefined;
    // One request at a time on each: with more connections than requests, one of them is kept alive.
    this.reused = lines.connected > lines.busy;
    lines.busy += 1;
  }

  abort(): void {
    if (!this.aborted) this.cut();
  }

  pause(): void {
    this.controller?.pause();
  }

  resume(): void {
    this.controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.aborted) controller.abort(abandoned);
  }

  onResponseStart(
    _: unknown,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (status === 101 && !this.aborted) return this.refuseSwitch();
    // Interim answers (RFC 9110, section 15.2) concern this connection alone.
    if (status < 200 || this.aborted) return;
    this.begin();
    this.receiver.head(status, headers, statusText);
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (!this.aborted) this.receiver.data(chunk);
  }

  onRequestUpgrade(_: unknown, status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    this.begin();
    // In use until it is closed.
    socket.once("close", () => this.finish());
    if (this.aborted) return void socket.destroy();
    const refusal = this.upgrade?.take(status, headers, socket);
    if (refusal === undefined) return this.receiver.head(status, headers, undefined);
    socket.destroy();
    this.receiver.fail(refusal);
  }

  onResponseEnd(): void {
    this.finish();
    if (!this.aborted) this.receiver.end();
  }

  onResponseError(_: unknown, error: Error): void {
    // undici attaches what it could not parse, which may be a completion; errors are logged.
    Reflect.deleteProperty(error, "data");
    this.finish();
    if (this.aborted) return;
    const reason = upstreamFailure(error);
    const stale = reason.kind === "upstream_reset" && this.reused && !this.begun;
    this.receiver.fail(new Refusal(stale ? { ...reason, reused: true } : reason, error));
  }

  private begin(): void {
    this.begun = true;
    this.patience?.end();
  }

  private finish(): void {
    this.patience?.end();
    if (!this.over) this.lines.busy -= 1;
    this.over = true;
  }

  private cut(): void {
    this.aborted = true;
    this.finish();
    this.controller?.abort(abandoned);
  }

  private tooLate(firstByte: number): void {
    if (this.aborted || this.begun) return;
    this.cut();
    const cause = new Error(`no answer within ${firstByte} ms of the body's last byte`);
    this.receiver.fail(new Refusal({ kind: "upstream_timeout", phase: "first_byte" }, cause));
  }

  /** One that does not say to which protocol: nothing that follows can be read. */
  private refuseSwitch(): void {
    this.cut();
    const cause = new Error("a 101 without Upgrade");
    this.receiver.fail(new Refusal({ kind: "upstream_protocol" }, cause));
  }
}

const abandoned = new Error("the caller closed the connection");

function bodyOf(body: UpstreamBody, patience: Patience | undefined): Buffer | Readable | null {
  if (body.kind === "none") return null;
  if (body.kind === "stream") {
    const chunks = body.chunks();
    return Readable.from(patience === undefined ? chunks : inTurn(chunks, patience), {
      objectMode: false,
    });
  }
  const [first = null, ...more] = body.chunks;
  return more.length === 0 ? first : Readable.from(body.chunks, { objectMode: false });
}
