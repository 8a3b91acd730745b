// Wakes its parent for each arrival of a schedule, more exactly than a timer: timers come in whole
// milliseconds, and spinning would take the core from the server under test.
import { parentPort, workerData } from "node:worker_threads";
import { monotonic } from "./monotonic.ts";

/** Milliseconds between arrivals, and how many there are. */
export type Schedule = { readonly every: number; readonly count: number };

/** When the first is due, in milliseconds of the monotonic clock; then which one is due now. */
export type Beat = { readonly start: number } | { readonly index: number };

const { every, count }: Schedule = workerData;
const start = monotonic() + 50;
say({ start });
const cell = new Int32Array(new SharedArrayBuffer(4));
for (let index = 0; index < count; index += 1) {
  const wait = start + index * every - monotonic();
  if (wait > 0) Atomics.wait(cell, 0, 0, wait);
  say({ index });
}

function say(beat: Beat): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's, not a window's
  parentPort?.postMessage(beat);
}
