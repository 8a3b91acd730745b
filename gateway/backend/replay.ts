import type { IncomingMessage } from "node:http";
import type { UpstreamBody } from "./transport.ts";

/** Bytes of a streamed body that are kept to be sent again. */
const maxKept = 1024 * 1024;

/**
 * A request's body as it arrives, streamed on. While no more than 1 MiB of it has come, it can be
 * sent again from its start.
 *
 * @param count told of each chunk's bytes, once
 */
export function streamedBody(
  request: IncomingMessage,
  count: (bytes: number) => void,
): UpstreamBody {
  const written = request.headers["content-length"];
  const length = written === undefined ? undefined : Number(written);
  const absent = length === undefined && request.headers["transfer-encoding"] === undefined;
  if (length === 0 || absent) return { kind: "none" };

  let kept: Buffer[] = [];
  let bytes = 0;
  return {
    kind: "stream",
    length,
    replayable: () => bytes <= maxKept,
    async *chunks() {
      yield* kept;
      // Leaves the request open when the backend fails, so that the caller can be told.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        const buffer: Buffer = chunk;
        count(buffer.length);
        bytes += buffer.length;
        if (bytes <= maxKept) kept.push(buffer);
        else kept = [];
        yield buffer;
      }
    },
  };
}
