// A body of several pieces, written at a given pace and, if told, cut short.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import type { CutManner, CutPoint, Pace } from "./behaviour.ts";
import type { Recording } from "./received.ts";

/** The headers must be set; nothing is written after the peer has left. */
export async function writePaced(
  response: ServerResponse,
  tcp: Socket,
  recording: Recording,
  events: readonly Buffer[],
  { chunkDelayMs = 0, gate, split, cut }: Pace,
): Promise<void> {
  const whole = Buffer.concat(events);
  const end = cut === undefined ? whole.length : cutOffset(events, whole, cut.at);
  const sizes = split ?? events.map((event) => event.length);

  response.flushHeaders();
  let offset = 0;
  for (let turn = 0; offset < end; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? end);
    const piece = whole.subarray(offset, Math.min(offset + size, end));
    // A turn of the event loop at least: pieces of their own on the wire, too.
    if (turn > 0 && chunkDelayMs === 0) await nextTurn();
    else if (turn > 0) await pause(chunkDelayMs, undefined, { signal: recording.signal });
    await gate?.(turn);
    await writePiece(response, recording, piece, "kept");
    offset += piece.length;
  }
  finish(response, tcp, recording, cut?.manner ?? "end");
}

/** Resolves when the piece is on its way and the peer may be sent more. */
export async function writePiece(
  response: ServerResponse,
  recording: Recording,
  piece: Buffer,
  keep: "kept" | "counted",
): Promise<void> {
  recording.signal.throwIfAborted();
  recording.wrote(piece, keep);
  if (!response.write(piece)) await once(response, "drain", { signal: recording.signal });
}

export function finish(
  response: ServerResponse,
  tcp: Socket,
  recording: Recording,
  manner: CutManner,
): void {
  switch (manner) {
    case "end":
      response.end();
      return;
    case "silence":
      return;
    case "destroy":
      recording.breaking();
      // Behind what was written, so that all of it still arrives.
      response.write("", () => response.destroy());
      return;
    case "reset":
      recording.breaking();
      response.write("", () => tcp.resetAndDestroy());
      return;
  }
}

function cutOffset(events: readonly Buffer[], whole: Buffer, at: CutPoint): number {
  const before = (count: number) =>
    events.slice(0, count).reduce((sum, event) => sum + event.length, 0);
  if ("afterByte" in at) return Math.min(at.afterByte, whole.length);
  if ("afterEvent" in at) return before(at.afterEvent);
  if ("insideEvent" in at) {
    const event = events[at.insideEvent - 1];
    if (event === undefined) throw new TypeError(`the stream has no event ${at.insideEvent}`);
    return before(at.insideEvent - 1) + Math.floor(event.length / 2);
  }
  // A byte of 0b11...... leads a character of several bytes.
  let seen = 0;
  const lead = whole.findIndex((byte) => byte >= 0xc0 && ++seen === at.insideCharacter);
  if (lead === -1) throw new TypeError(`the stream has no such character: ${at.insideCharacter}`);
  return lead + 1;
}
