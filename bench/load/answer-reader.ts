/** Hears of one answer. After `end` or `fail` nothing follows. */
export type Receiver = {
  /** A piece of the body, without chunked framing. */
  body(piece: Buffer): void;
  /** @param last whether the server closes the connection after this answer */
  end(status: number, last: boolean): void;
  fail(why: string): void;
};

/** Reads the answers on one HTTP/1.1 connection, one after another. */
export type AnswerReader = {
  begin(receiver: Receiver): void;
  push(chunk: Buffer): void;
  /** The connection has closed. */
  close(why: string): void;
};

type State = "idle" | "head" | "sized" | "chunkSize" | "chunk" | "trailer" | "untilClose";

const nothing = Buffer.alloc(0);

/** No more of HTTP than servers on loopback speak, so that reading costs next to nothing. */
export function createAnswerReader(): AnswerReader {
  let receiver: Receiver | undefined;
  let state: State = "idle";
  let held: Buffer = nothing;
  let left = 0;
  let status = 0;
  let last = false;

  return {
    begin(next) {
      receiver = next;
      state = "head";
      held = nothing;
    },
    push(chunk) {
      let rest: Buffer | undefined = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      held = nothing;
      while (rest !== undefined && rest.length > 0) rest = step(rest);
    },
    close(why) {
      const current = receiver;
      receiver = undefined;
      if (state === "untilClose") current?.end(status, true);
      else current?.fail(why);
      state = "idle";
    },
  };

  /** What is left after the next thing there is; undefined when more must come first. */
  function step(data: Buffer): Buffer | undefined {
    switch (state) {
      case "idle":
        return undefined;
      case "head":
        return readHead(data);
      case "sized": {
        const piece = data.subarray(0, left);
        left -= piece.length;
        receiver?.body(piece);
        if (left === 0) finish();
        return data.subarray(piece.length);
      }
      case "chunkSize": {
        const end = data.indexOf("\r\n");
        if (end === -1) return hold(data);
        const size = Number.parseInt(data.toString("latin1", 0, end), 16);
        state = size === 0 ? "trailer" : "chunk";
        // With the line end behind the chunk.
        left = size + 2;
        return data.subarray(end + 2);
      }
      case "chunk": {
        const taken = Math.min(left, data.length);
        const piece = data.subarray(0, Math.min(Math.max(0, left - 2), taken));
        left -= taken;
        if (piece.length > 0) receiver?.body(piece);
        if (left === 0) state = "chunkSize";
        return data.subarray(taken);
      }
      case "trailer": {
        const end = data.indexOf("\r\n");
        if (end === -1) return hold(data);
        if (end === 0) finish();
        return data.subarray(end + 2);
      }
      case "untilClose":
        receiver?.body(data);
        return undefined;
    }
  }

  function readHead(data: Buffer): Buffer | undefined {
    const end = data.indexOf("\r\n\r\n");
    if (end === -1) return hold(data);
    const head = data.toString("latin1", 0, end + 2);
    status = Number(head.slice(9, 12));
    // Interim answers are not what was asked for.
    if (status >= 200) {
      last = /\r\nconnection: *close/i.test(head);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      if (length !== undefined) {
        left = Number(length);
        state = "sized";
        if (left === 0) finish();
      } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) state = "chunkSize";
      else if (status === 204 || status === 304) finish();
      else state = "untilClose";
    }
    return data.subarray(end + 4);
  }

  function hold(data: Buffer): undefined {
    held = data;
  }

  function finish(): void {
    const current = receiver;
    receiver = undefined;
    state = "idle";
    current?.end(status, last);
  }
}
