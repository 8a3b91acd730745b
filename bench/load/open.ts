import { Worker } from "node:worker_threads";
import { type Ask, bodyOf } from "../job.ts";
import { type Connection, type Target, createConnection, postOf } from "./connection.ts";
import { monotonic } from "./monotonic.ts";
import type { Beat, Schedule } from "./pacemaker.ts";
import { ask as send } from "./request.ts";
import { type Tally, tally } from "./tally.ts";

export type OpenTask = {
  readonly kind: "open";
  readonly target: Target;
  readonly ask: Ask;
  readonly perSecond: number;
  /** Seconds of arrivals whose answers do not count, before those that do. */
  readonly runIn: number;
  readonly seconds: number;
};

/** Connections beyond which an arrival waits; its waiting counts. */
const maxConnections = 512;
/** Milliseconds that the last answers are waited for. */
const patience = 3_000;

/**
 * Sends requests at the times of a schedule, whether or not earlier ones have been answered, and
 * measures each from the time it was due: a server that stalls is charged for all who came meanwhile
 * (no coordinated omission). What has no answer in the end counts as a failure.
 */
export function openLoop({ target, ask, perSecond, runIn, seconds }: OpenTask): Promise<Tally> {
  const request = postOf(target, bodyOf(ask));
  const every = 1000 / perSecond;
  const before = Math.floor(perSecond * runIn);
  const count = before + Math.max(1, Math.floor(perSecond * seconds));
  const schedule: Schedule = { every, count };
  let start = monotonic();
  let answered = 0;
  const latencies: number[] = [];
  let failures = 0;
  let firstFailure: string | undefined;
  const all: Connection[] = [];
  const idle: Connection[] = [];
  const waiting: number[] = [];

  return new Promise((resolve) => {
    const pacemaker = new Worker(new URL("pacemaker.ts", import.meta.url), {
      workerData: schedule,
    });
    pacemaker.on("message", (beat: Beat) => {
      if ("start" in beat) {
        ({ start } = beat);
        return;
      }
      const due = start + beat.index * every;
      const connection = idle.pop();
      if (connection !== undefined) run(connection, due);
      else if (all.length === maxConnections) waiting.push(due);
      else {
        const another = createConnection(target.port);
        all.push(another);
        run(another, due);
      }
    });
    const giveUp = setTimeout(finish, (runIn + seconds) * 1000 + patience);

    function run(connection: Connection, due: number): void {
      send(connection, request, (outcome) => {
        answered += 1;
        const counts = due >= start + before * every;
        if (outcome.ok) {
          if (counts) latencies.push(monotonic() - due);
        } else {
          failures += 1;
          firstFailure ??= outcome.why;
        }
        if (answered === count) return finish();
        const next = waiting.shift();
        if (next === undefined) idle.push(connection);
        else run(connection, next);
      });
    }

    function finish(): void {
      clearTimeout(giveUp);
      const unanswered = count - answered;
      if (unanswered > 0) firstFailure ??= `${unanswered} not answered in time`;
      failures += unanswered;
      for (const connection of all) connection.close();
      void pacemaker.terminate();
      resolve(tally(latencies, seconds, failures, firstFailure));
    }
  });
}
