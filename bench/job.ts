/** What every contender is asked to do. The load, the upstream and the contenders all read it here. */

export const path = "/v1/chat/completions";
export const modelAsked = "gpt-4o";
export const modelSent = "gpt-5-mini";
export const upstreamToken = "bench-upstream-token";
export const callerKey = "sk-bench-caller-key";

/** A chat completion to ask for. */
export type Ask = {
  /** Of the request body, exactly. */
  readonly bytes: number;
  /** Events of the stream and milliseconds between them; absent where no stream is wanted. */
  readonly stream?: { readonly events: number; readonly every: number };
};

export const small: Ask = { bytes: 1024 };

/** A stream to ask for, by a request of a length that no other has. */
export function streamOf(events: number, every: number): StreamAsk {
  return { bytes: 1200, stream: { events, every } };
}

export type StreamAsk = Ask & { readonly stream: NonNullable<Ask["stream"]> };

const sentence = 'Say "hello" to everybody in the room, one after the other, and mean it.\n';
const longestMessage = 4096;

/** The request body. Its `user` tells the upstream what it is to look like, and how to answer. */
export function bodyOf(ask: Ask): Buffer {
  const empty = Buffer.byteLength(render(ask, []));
  const messages: { role: string; content: string }[] = [];
  let left = ask.bytes - empty;
  while (left > 0) {
    const comma = messages.length === 0 ? 0 : 1;
    const frame = Buffer.byteLength(JSON.stringify({ role: "user", content: "" })) + comma;
    // The last one takes all that is left, so that no rest is too small for a message.
    const room = left - frame > 2 * longestMessage ? longestMessage : left - frame;
    messages.push({ role: "user", content: filler(room) });
    left -= frame + room;
  }
  return Buffer.from(render(ask, messages));
}

export function askOf(user: unknown): Ask | undefined {
  const found = /^bench-(\d+)(?:-(\d+)-(\d+))?$/.exec(typeof user === "string" ? user : "");
  if (found === null) return undefined;
  const [, bytes, events, every] = found;
  if (events === undefined) return { bytes: Number(bytes) };
  return { bytes: Number(bytes), stream: { events: Number(events), every: Number(every) } };
}

function render(ask: Ask, messages: readonly object[]): string {
  const { bytes, stream } = ask;
  const suffix = stream === undefined ? "" : `-${stream.events}-${stream.every}`;
  return JSON.stringify({
    model: modelAsked,
    ...(stream === undefined ? {} : { stream: true }),
    temperature: 1,
    user: `bench-${bytes}${suffix}`,
    messages,
  });
}

/** Text that takes exactly so many bytes as JSON. */
function filler(bytes: number): string {
  const cost = JSON.stringify(sentence).length - 2;
  const whole = Math.floor(bytes / cost);
  return sentence.repeat(whole) + "x".repeat(bytes - whole * cost);
}
