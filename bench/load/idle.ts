import { setTimeout as pause } from "node:timers/promises";
import { type Ask, bodyOf } from "../job.ts";
import { type Connection, type Target, createConnection, postOf } from "./connection.ts";
import { ask as send } from "./request.ts";

export type IdleTask = {
  readonly kind: "idle";
  readonly target: Target;
  readonly ask: Ask;
  readonly connections: number;
  readonly milliseconds: number;
};

/** Holds connections open, each after one request, so that what they weigh can be read meanwhile. */
export async function idle({ target, ask, connections, milliseconds }: IdleTask): Promise<number> {
  const request = postOf(target, bodyOf(ask));
  const held: Connection[] = [];
  let answered = 0;
  for (let index = 0; index < connections; index += 1) {
    const connection = createConnection(target.port);
    held.push(connection);
    await new Promise<void>((resolve) =>
      send(connection, request, (outcome) => {
        if (outcome.ok) answered += 1;
        resolve();
      }),
    );
  }
  await pause(milliseconds);
  for (const connection of held) connection.close();
  return answered;
}
