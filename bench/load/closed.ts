import { type Ask, bodyOf } from "../job.ts";
import { type Connection, type Target, createConnection, postOf } from "./connection.ts";
import { ask as send } from "./request.ts";
import { type Tally, tally } from "./tally.ts";

export type ClosedTask = {
  readonly kind: "closed";
  readonly target: Target;
  readonly ask: Ask;
  readonly connections: number;
  readonly seconds: number;
  /** Ends earlier once so many have been answered. */
  readonly atMost?: number;
};

/** Each connection sends its next request when the answer to the last one is there. */
export function closedLoop(task: ClosedTask): Promise<Tally> {
  const { target, connections, seconds, atMost = Number.POSITIVE_INFINITY } = task;
  const request = postOf(target, bodyOf(task.ask));
  const latencies: number[] = [];
  let failures = 0;
  let firstFailure: string | undefined;
  const started = performance.now();
  const deadline = started + seconds * 1000;

  return new Promise((resolve) => {
    const open = Array.from({ length: connections }, () => createConnection(target.port));
    const giveUp = setTimeout(finish, seconds * 1000);
    let finished = false;
    for (const connection of open) run(connection);

    function run(connection: Connection): void {
      if (finished) return;
      const sentAt = performance.now();
      send(connection, request, (outcome) => {
        const now = performance.now();
        if (finished || now > deadline) return;
        if (outcome.ok) latencies.push(now - sentAt);
        else {
          failures += 1;
          firstFailure ??= outcome.why;
        }
        if (latencies.length + failures >= atMost) finish();
        // A server that refuses at once must not be asked as fast as it refuses.
        else if (outcome.ok) run(connection);
        else setTimeout(() => run(connection), 20);
      });
    }

    function finish(): void {
      if (finished) return;
      finished = true;
      clearTimeout(giveUp);
      for (const connection of open) connection.close();
      const took = (Math.min(performance.now(), deadline) - started) / 1000;
      resolve(tally(latencies, took, failures, firstFailure));
    }
  });
}
