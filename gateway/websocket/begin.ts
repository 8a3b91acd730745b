import type { Socket } from "node:net";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import { handshakeFault } from "./handshake.ts";
import { takeOfferedKey } from "./offered-key.ts";

/**
 * Makes of a WebSocket's handshake a request like any other. Throws for one that is none, and for one
 * that comes when the gateway ends: it could not last.
 */
export function beginHandshake(exchange: Exchange, state: "starting" | "ready" | "draining"): void {
  const { request } = exchange;
  // First of all: whatever becomes of it, the key is gone from where it does not belong.
  takeOfferedKey(exchange);
  exchange.goAway = () => request.socket.destroy();
  const fault = handshakeFault(request);
  if (fault !== undefined) throw new Refusal(fault);
  if (state === "draining") throw new Refusal({ kind: "draining" });
}

/**
 * Notices that a caller leaves before its handshake has been answered. What it sends meanwhile, which
 * it should not, stays where it is.
 *
 * @returns what ends the watch
 */
export function watchDeparture(socket: Socket): () => void {
  // Reading when there is nothing to read brings the end to light.
  const look = (): void => void (socket.readableLength === 0 && socket.read());
  const leave = (): void => void socket.destroy();
  socket.on("readable", look).once("end", leave);
  return () => void socket.off("readable", look).off("end", leave);
}
