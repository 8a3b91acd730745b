import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { hangUp } from "./malformed.ts";

/**
 * Whether a request wants its connection to become a WebSocket (RFC 6455, section 4.1). What asks for
 * any other protocol, or in another way, is served as the ordinary request that it is as well.
 */
export function asksForWebSocket({ method, httpVersion, headers }: IncomingMessage): boolean {
  return (
    method === "GET" && httpVersion === "1.1" && headers.upgrade?.toLowerCase() === "websocket"
  );
}

/**
 * Node has let go of the connection of an upgrade. This puts a response on it again, so that whatever
 * refuses the upgrade answers as it does to any request; the connection is closed after the answer.
 *
 * @param head what came behind the request: the connection's first bytes
 */
export function attachResponse(response: ServerResponse, socket: Socket, head: Buffer): void {
  if (head.length > 0) socket.unshift(head);
  socket.on("error", () => socket.destroy());
  socket.on("timeout", () => socket.destroy());
  socket.on("drain", () => response.emit("drain"));
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => hangUp(socket));
}
