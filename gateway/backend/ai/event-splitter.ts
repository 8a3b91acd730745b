/** Cuts a byte stream into server-sent events, each with the blank line that ends it. */
export type EventSplitter = {
  /** The events that end in this chunk. */
  push(chunk: Buffer): readonly Buffer[];
  /** Bytes of an event that has not ended. */
  rest(): Buffer | undefined;
};

/** An event that has grown beyond this is handed on in pieces, unread. */
const maxEvent = 1024 * 1024;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Works on bytes, so that a character cut in two by a chunk's end stays whole. Lines end in LF, CR
 * or CRLF; an event ends with an empty line (WHATWG HTML, section 9.2.5).
 */
export function createEventSplitter(): EventSplitter {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let lineStart = true;
  let afterReturn = false;

  return {
    push(chunk) {
      const events: Buffer[] = [];
      let from = 0;
      for (let index = 0; index < chunk.length; index += 1) {
        const byte = chunk[index];
        if (byte === lineFeed && afterReturn) {
          // The second half of a CRLF.
          afterReturn = false;
          continue;
        }
        afterReturn = byte === carriageReturn;
        if (byte !== lineFeed && byte !== carriageReturn) {
          lineStart = false;
        } else if (lineStart) {
          const complete = afterReturn && chunk[index + 1] === lineFeed ? index + 2 : index + 1;
          events.push(take(chunk.subarray(from, complete)));
          from = complete;
          if (complete === index + 2) {
            afterReturn = false;
            index += 1;
          }
        } else lineStart = true;
      }
      if (from < chunk.length) {
        held.push(chunk.subarray(from));
        heldBytes += chunk.length - from;
        if (heldBytes > maxEvent) events.push(take(Buffer.alloc(0)));
      }
      return events;
    },
    rest: () => (heldBytes === 0 ? undefined : take(Buffer.alloc(0))),
  };

  function take(last: Buffer): Buffer {
    const event = heldBytes === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    heldBytes = 0;
    return event;
  }
}
