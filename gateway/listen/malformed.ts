import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { answer } from "../error-answer.ts";
import type { Reason } from "../errors.ts";

/** Milliseconds a refused peer has to read its answer: closing at once could destroy it on the way. */
const linger = 1_000;

/** Node's and its parser's verdict on what came in -> the answer. */
export function faultOf(error: Error): Reason {
  switch ("code" in error ? error.code : undefined) {
    case "HPE_HEADER_OVERFLOW":
      return { kind: "head_too_large" };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { kind: "request_incomplete" };
    default:
      return { kind: "malformed_request" };
  }
}

/** Whether the peer closed its side before its request was whole: it has left, and did nothing wrong. */
export function isLeaving(error: Error): boolean {
  return "code" in error && error.code === "HPE_INVALID_EOF_STATE";
}

/** Answers where there is no request to answer to, and closes the connection. */
export function answerRaw(socket: Duplex, reason: Reason): void {
  if (socket.writable) {
    const { status, headers, body } = answer(reason);
    const text = JSON.stringify(body);
    const head = {
      ...headers,
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(text)),
      connection: "close",
      date: new Date().toUTCString(),
      "x-request-id": randomUUID(),
    };
    const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${text}`,
    );
  }
  hangUp(socket);
}

/** Closes a connection once what was written to it has had time to arrive. */
export function hangUp(socket: Duplex): void {
  socket.on("error", () => undefined);
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end();
  const timer = setTimeout(() => socket.destroy(), linger);
  timer.unref();
  socket.once("close", () => clearTimeout(timer));
}
