import { modelSent } from "../job.ts";

/** When an event was written, in milliseconds of the monotonic clock. */
export type Stamp = number;

const digits = 18;

/** An event of a stream, that says when it was written. Every one has the same length. */
export function eventAt(nanoseconds: bigint): string {
  return event([
    { index: 0, delta: { content: `t${String(nanoseconds).padStart(digits, "0")} and so on` } },
  ]);
}

export const usageEvent = event([], { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 });
export const done = "data: [DONE]\n\n";

function event(choices: readonly object[], usage?: object): string {
  const data = {
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: 1_750_000_000,
    model: modelSent,
    choices: choices.map((choice) => ({ ...choice, finish_reason: null })),
    ...(usage === undefined ? {} : { usage }),
  };
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** Finds them also in events that a contender has written anew. */
export function stampsIn(text: string): Stamp[] {
  return [...text.matchAll(/"t(\d{18}) /g)].map(([, nanoseconds]) => Number(nanoseconds) / 1e6);
}

/** Bytes of a whole stream as its asker is to see it. */
export function streamBytes(events: number): number {
  return events * Buffer.byteLength(eventAt(0n)) + Buffer.byteLength(done);
}
