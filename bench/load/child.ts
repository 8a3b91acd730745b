// The process that makes the load; it does one task at a time and stays, warmed up, for the next.
import { type ClosedTask, closedLoop } from "./closed.ts";
import { type FirstByteTask, firstByte } from "./first-byte.ts";
import { type IdleTask, idle } from "./idle.ts";
import { type OpenTask, openLoop } from "./open.ts";
import { type StreamsTask, streamMany } from "./streams.ts";

export type Task = ClosedTask | OpenTask | StreamsTask | FirstByteTask | IdleTask;

process.on("message", async (task: Task) => {
  try {
    process.send?.({ result: await perform(task) });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.message : String(error) });
  }
});
process.on("disconnect", () => process.exit());

function perform(task: Task) {
  switch (task.kind) {
    case "closed":
      return closedLoop(task);
    case "open":
      return openLoop(task);
    case "streams":
      return streamMany(task);
    case "firstByte":
      return firstByte(task);
    case "idle":
      return idle(task);
  }
}
