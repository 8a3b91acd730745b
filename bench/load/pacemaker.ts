// Wakes its parent for each arrival of a schedule, more exactly than a timer: timers come in whole
// milliseconds, and spinning would take the core from the server under test.
import { parentPort, workerData } from "node:worker_threads";
import { monotonic } from "./monotonic.ts";

/** Milliseconds of the monotonic clock. */
export type Schedule = { readonly start: number; readonly every: number; readonly count: number };

const { start, every, count }: Schedule = workerData;
const cell = new Int32Array(new SharedArrayBuffer(4));
for (let index = 0; index < count; index += 1) {
  const wait = start + index * every - monotonic();
  if (wait > 0) Atomics.wait(cell, 0, 0, wait);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's, not a window's
  parentPort?.postMessage(index);
}
