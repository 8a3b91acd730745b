import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { outcomeOf } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import { closeFrame, goingAway, ping } from "./control-frame.ts";
import { createFrameObserver } from "./frame-observer.ts";
import type { UsageWatch } from "./usage.ts";

/** Milliseconds of silence after which the system asks whether the other side is still there. */
const keepAlive = 60_000;
/** Milliseconds that one side may be silent when the other has ended. */
const lastWords = 10_000;
/** Milliseconds that a side may leave unread what it is sent: as long as any caller (listen/server.ts). */
const longestStall = 660_000;
/** Milliseconds that both sides have to read why the gateway ends. */
const farewell = 500;

export type Tunnel = {
  /** Ends both sides: with a close frame where one may stand, otherwise by breaking off. */
  goAway(): void;
  /** Breaks off both sides. */
  cut(): void;
};

/** Milliseconds; undefined is for ever. */
export type TunnelTimes = {
  /** Of silence on both sides, after which the caller is sent a ping. */
  readonly ping: number | undefined;
  /** Of silence on both sides, after which it is ended. */
  readonly idle: number | undefined;
  /** Until it is ended, whatever happens. */
  readonly total: number | undefined;
};

/**
 * Carries bytes between a caller and a backend, each way as fast as the other side takes them. What
 * one side ends is ended on the other, what one breaks off is broken off.
 */
export function openTunnel(
  { record }: Exchange,
  caller: Duplex,
  backend: Duplex,
  times: TunnelTimes,
  usage: UsageWatch | undefined,
): Tunnel {
  const up = createFrameObserver();
  const down = createFrameObserver(usage);
  let over = false;
  let ended = false;
  let ending: NodeJS.Timeout | undefined;
  const pinging = every(times.ping, () => {
    const free = !ended && down.atBoundary() && !caller.writableNeedDrain;
    if (free && down.closeCode() === undefined) caller.write(ping);
  });
  const idling = every(times.idle, () =>
    stop(outcomeOf({ kind: "upstream_timeout", phase: "idle" })),
  );
  const limit = every(times.total, () =>
    stop(outcomeOf({ kind: "upstream_timeout", phase: "total" })),
  );

  for (const socket of [caller, backend]) {
    // The one that was connected from here would otherwise be closed as soon as the other side ends.
    socket.allowHalfOpen = true;
    if (socket instanceof Socket)
      socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, keepAlive);
    socket.on("error", () => undefined);
  }
  carry(caller, backend, (chunk) => {
    record.requestBytes += chunk.length;
    up.push(chunk);
    noteClose(up.closeCode(), "caller");
  });
  carry(backend, caller, (chunk) => {
    record.timeToFirstByte ??= performance.now();
    // Whoever looks on counts from before the chunk in which something begins.
    down.push(chunk);
    record.responseBytes += chunk.length;
    noteClose(down.closeCode(), "backend");
  });
  caller.once("close", () => finish(gone(caller)));
  backend.once("close", () => {
    // It has said all it had to say, and the caller may still be reading that.
    if (!backend.readableEnded || over) finish(gone(backend));
  });
  return { goAway: () => stop("draining"), cut: () => finish(gone(caller)) };

  function carry(from: Duplex, to: Duplex, see: (chunk: Buffer) => void): void {
    from.on("data", (chunk: Buffer) => {
      if (over || to.writableEnded) return;
      see(chunk);
      pinging?.refresh();
      idling?.refresh();
      ending?.refresh();
      if (to.write(chunk)) return;
      from.pause();
      const stalled = setTimeout(() => finish(gone(to)), longestStall).unref();
      to.once("drain", () => {
        clearTimeout(stalled);
        from.resume();
      });
    });
    from.once("end", () => {
      if (over) return;
      endedBy(from);
      to.end();
    });
  }

  function gone(side: Duplex): string {
    return side === caller ? "client_closed" : "upstream_reset";
  }

  /** Whoever ends first settles the outcome; the other has a while to say the rest. */
  function endedBy(from: Duplex): void {
    if (ended) return;
    ended = true;
    settle(gone(from));
    ending = setTimeout(() => finish(gone(caller)), lastWords);
  }

  function noteClose(code: number | undefined, by: "caller" | "backend"): void {
    if (code === undefined || record.closedBy !== undefined) return;
    record.closeCode = code;
    record.closedBy = by;
  }

  /** A session whose end was announced has ended well, whoever leaves first. */
  function settle(outcome: string): void {
    if (record.outcome === "ok" && record.closedBy === undefined) record.outcome = outcome;
  }

  function stop(outcome: string): void {
    if (over) return;
    settle(outcome);
    end();
    const polite = (observer: typeof up, to: Duplex, kind: "client" | "server"): void => {
      if (to.writableEnded || !observer.atBoundary()) return void to.destroy();
      if (observer.closeCode() === undefined) to.write(closeFrame(kind, goingAway));
      to.end();
      to.resume();
      setTimeout(() => to.destroy(), farewell).unref();
    };
    polite(down, caller, "client");
    polite(up, backend, "server");
  }

  function finish(outcome: string): void {
    if (!over) {
      if (!ended) settle(outcome);
      end();
    }
    caller.destroy();
    backend.destroy();
  }

  function end(): void {
    over = true;
    for (const timer of [pinging, idling, limit, ending]) clearTimeout(timer);
    usage?.end();
  }
}

function every(milliseconds: number | undefined, work: () => void): NodeJS.Timeout | undefined {
  return milliseconds === undefined ? undefined : setInterval(work, milliseconds);
}
