import { type Socket, connect } from "node:net";
import { type Receiver, createAnswerReader } from "./answer-reader.ts";

/** A kept-alive connection to 127.0.0.1 that carries one request at a time. */
export type Connection = {
  send(request: Buffer, receiver: Receiver): void;
  close(): void;
};

/** Connects at the first request, and again whenever the server has closed an idle connection. */
export function createConnection(port: number): Connection {
  let socket: Socket | undefined;
  const reader = createAnswerReader();
  return {
    send(request, receiver) {
      reader.begin({
        ...receiver,
        end(status, last) {
          if (last) {
            socket?.destroy();
            socket = undefined;
          }
          receiver.end(status, last);
        },
      });
      socket ??= open();
      socket.write(request);
    },
    close() {
      socket?.destroy();
    },
  };

  function open(): Socket {
    const opened = connect(port, "127.0.0.1");
    opened.setNoDelay(true);
    let why = "connection closed";
    opened.on("data", (chunk: Buffer) => reader.push(chunk));
    opened.on("error", (error) => (why = error.message));
    opened.on("close", () => {
      // One that has been given up is no longer the reader's.
      if (socket !== opened) return;
      socket = undefined;
      reader.close(why);
    });
    return opened;
  }
}

/** Where to send what; headers beyond those of HTTP itself. */
export type Target = {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
};

export function postOf({ port, path, headers }: Target, body: Buffer): Buffer {
  const lines = Object.entries({
    host: `127.0.0.1:${port}`,
    "content-type": "application/json",
    "content-length": String(body.length),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), body]);
}
