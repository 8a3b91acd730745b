import { type StreamAsk, bodyOf } from "../job.ts";
import { type Stamp, stampsIn } from "../upstream/event.ts";
import { type Connection, type Target, createConnection, postOf } from "./connection.ts";
import { monotonic } from "./monotonic.ts";
import { type Quantiles, quantilesOf } from "./tally.ts";

export type StreamsTask = {
  readonly kind: "streams";
  readonly target: Target;
  readonly ask: StreamAsk;
  /** At once. */
  readonly count: number;
};

export type StreamsSeen = {
  readonly streams: number;
  /** Streams that ended with every event. */
  readonly whole: number;
  readonly events: number;
  /** Of all bodies, without chunked framing. */
  readonly bytes: number;
  /** Milliseconds from an event's writing upstream to its reading here. */
  readonly delay: Quantiles;
  /** Events that came together with the one before, though they were written apart. */
  readonly batched: number;
  readonly firstFailure: string | undefined;
};

/** Opens streams, spread over one interval so that their events do not all fall due at once. */
export async function streamMany({ target, ask, count }: StreamsTask): Promise<StreamsSeen> {
  const request = postOf(target, bodyOf(ask));
  const { events, every } = ask.stream;
  const delays: number[] = [];
  let bytes = 0;
  let batched = 0;
  let whole = 0;
  let firstFailure: string | undefined;
  const open: Connection[] = [];
  const limit = setTimeout(
    () => {
      for (const connection of open) connection.close();
    },
    events * every * 2 + 10_000,
  );

  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, (index / count) * every));
      await one();
    }),
  );
  clearTimeout(limit);
  const delay = quantilesOf(delays);
  return { streams: count, whole, events: delays.length, bytes, delay, batched, firstFailure };

  function one(): Promise<void> {
    const connection = createConnection(target.port);
    open.push(connection);
    let text = "";
    let seen = 0;
    let last: { readonly written: number; readonly read: number } | undefined;
    return new Promise((resolve) => {
      connection.send(request, {
        body(piece) {
          bytes += piece.length;
          const read = monotonic();
          text += piece.toString("latin1");
          const end = text.lastIndexOf("\n\n");
          if (end === -1) return;
          for (const stamp of stampsIn(text.slice(0, end))) note(stamp, read);
          text = text.slice(end + 2);
        },
        end(status) {
          if (status === 200 && seen === events) whole += 1;
          else
            firstFailure ??= `${status} after ${seen} of ${events} events: ${text.slice(0, 300)}`;
          connection.close();
          resolve();
        },
        fail(why) {
          firstFailure ??= `${why} after ${seen} of ${events} events`;
          resolve();
        },
      });
    });

    function note(written: Stamp, read: number): void {
      seen += 1;
      delays.push(read - written);
      if (last !== undefined && written - last.written > 0.8 * every) {
        if (read - last.read < 0.2 * every) batched += 1;
      }
      last = { written, read };
    }
  }
}
