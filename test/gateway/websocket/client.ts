// A caller's WebSocket over ws, whose messages are waited for one by one.
import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { WebSocket, type ClientOptions } from "ws";

export type Client = {
  readonly socket: WebSocket;
  /** The head of the 101. */
  readonly head: IncomingMessage;
  send(event: Readonly<Record<string, unknown>>): void;
  /** The next message that has not been waited for. */
  next(): Promise<Buffer>;
  /** Events up to the first of this type, which is the last. */
  until(type: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** The close code; 1006 when the connection just ended. */
  readonly closed: Promise<number>;
};

export type Refused = {
  readonly status: number;
  readonly head: IncomingMessage;
  readonly body: string;
};

/** @param origin of the gateway, with `http` */
export function dial(
  origin: string,
  path: string,
  options: ClientOptions & { readonly protocols?: readonly string[] } = {},
): Promise<Client | Refused> {
  const { protocols = [], ...rest } = options;
  const socket = new WebSocket(origin.replace(/^http/, "ws") + path, [...protocols], rest);
  const arrived: Buffer[] = [];
  let heard: (() => void) | undefined;
  socket.on("message", (data) => {
    arrived.push(Buffer.isBuffer(data) ? data : Buffer.from(String(data)));
    heard?.();
  });
  const closed = new Promise<number>((resolve) => {
    socket.once("close", (code) => resolve(code));
  });
  const next = async (): Promise<Buffer> => {
    for (;;) {
      const message = arrived.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  return new Promise((resolve, reject) => {
    let head: IncomingMessage | undefined;
    socket.once("upgrade", (answer) => {
      head = answer;
    });
    socket.once("open", () => {
      if (head === undefined) return reject(new TypeError("open without a head"));
      resolve({
        socket,
        head,
        send: (event) => socket.send(JSON.stringify(event)),
        next,
        async until(type) {
          const events: Readonly<Record<string, unknown>>[] = [];
          while (events.at(-1)?.["type"] !== type) events.push(JSON.parse(String(await next())));
          return events;
        },
        closed,
      });
    });
    socket.once("unexpected-response", (_, answer) => {
      void buffer(answer).then((body) => {
        resolve({ status: answer.statusCode ?? 0, head: answer, body: body.toString() });
      }, reject);
    });
    socket.on("error", reject);
  });
}

export async function open(...args: Parameters<typeof dial>): Promise<Client> {
  const outcome = await dial(...args);
  if ("status" in outcome) throw new Error(`refused with ${outcome.status}: ${outcome.body}`);
  return outcome;
}

export async function refused(...args: Parameters<typeof dial>): Promise<Refused> {
  const outcome = await dial(...args);
  if (!("status" in outcome)) throw new Error("not refused");
  return outcome;
}

/** The `error` object of a refusal in the shape of OpenAI's API. */
export function errorIn({ body }: Refused): Readonly<Record<string, unknown>> {
  const { error }: { readonly error: Readonly<Record<string, unknown>> } = JSON.parse(body);
  return error;
}
