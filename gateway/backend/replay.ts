import type { IncomingMessage } from "node:http";
import type { UpstreamBody } from "./transport.ts";

export type StreamedBody = {
  readonly body: UpstreamBody;
  /** The answer is out: what the caller still sends is read and forgotten, so that its connection lives on. */
  release(): void;
};

/** Bytes of a streamed body that are kept to be sent again. */
const maxKept = 1024 * 1024;

/**
 * A request's body as it arrives, streamed on. While no more than 1 MiB of it has come, it can be
 * sent again from its start: a new reader takes over, and the one before it ends.
 *
 * @param count told of each chunk's bytes, once
 */
export function streamedBody(
  request: IncomingMessage,
  count: (bytes: number) => void,
): StreamedBody {
  const written = request.headers["content-length"];
  const length = written === undefined ? undefined : Number(written);
  const absent = length === undefined && request.headers["transfer-encoding"] === undefined;
  if (length === 0 || absent) return { body: { kind: "none" }, release: () => undefined };

  // Leaves the request open when the backend fails, so that the caller can be told.
  const arriving = request.iterator({ destroyOnReturn: false });
  const kept: Buffer[] = [];
  /** Chunks that are no longer kept, all before those that are. */
  let released = 0;
  let bytes = 0;
  let readers = 0;
  let reading: Promise<boolean> | undefined;

  return {
    body: { kind: "stream", length, replayable: () => bytes <= maxKept, chunks },
    release() {
      readers += 1;
      kept.length = 0;
      // A caller that has gone needs nothing more.
      void arriving.return?.().then(
        () => request.resume(),
        () => undefined,
      );
    },
  };

  async function* chunks(): AsyncGenerator<Buffer> {
    readers += 1;
    const reader = readers;
    for (let index = 0; ; index += 1) {
      while (index === released + kept.length) {
        if (!(await more())) return;
        if (reader !== readers) return;
      }
      const chunk = kept[index - released];
      if (chunk === undefined || reader !== readers) return;
      if (bytes > maxKept) {
        kept.splice(0, index - released + 1);
        released = index + 1;
      }
      yield chunk;
    }
  }

  /** Reads the next chunk, once for all who wait for it. */
  function more(): Promise<boolean> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function read(): Promise<boolean> {
    const { done, value } = await arriving.next();
    if (done === true) return false;
    const chunk: Buffer = value;
    count(chunk.length);
    bytes += chunk.length;
    kept.push(chunk);
    return true;
  }
}
