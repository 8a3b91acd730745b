// A caller of the gateway over plain sockets: sends what it is told and shows what it got.
import { once } from "node:events";
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Agent,
  request as begin,
} from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";

export type Call = {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** A connection of its own unless given. */
  readonly agent?: Agent;
};

export type Reply = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** "broken": the connection ended before the body did. */
  readonly ending: "clean" | "broken";
};

/** A request under way: its body can be written, its answer read, its connection cut. */
export type Ongoing = {
  readonly request: ClientRequest;
  readonly answer: Promise<IncomingMessage>;
};

/** Sends the head at once; the body is the test's to write and end. */
export function open(
  origin: string,
  { method = "GET", path = "/", headers, agent }: Call,
): Ongoing {
  const request = begin(origin + path, {
    method,
    path,
    agent: agent ?? false,
    ...(headers === undefined ? {} : { headers }),
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    // Later ones are the end of a connection that the test itself cut, or sees in the answer.
    request.on("error", reject);
  });
  answer.catch(() => {});
  request.flushHeaders();
  return { request, answer };
}

export async function call(origin: string, asked: Call): Promise<Reply> {
  const { body } = asked;
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  const { request, answer } = open(origin, { ...asked, headers: { ...length, ...asked.headers } });
  request.end(body);
  return replyOf(await answer);
}

/** The answer to its end, whichever it is. */
export async function replyOf(answer: IncomingMessage): Promise<Reply> {
  const pieces: Buffer[] = [];
  let ending: Reply["ending"] = "clean";
  try {
    for await (const piece of answer) pieces.push(Buffer.from(piece));
  } catch {
    ending = "broken";
  }
  const { statusCode: status = 0, headers, rawHeaders } = answer;
  return { status, headers, rawHeaders, body: Buffer.concat(pieces), ending };
}

/** These bytes on a connection, and everything that comes back until the gateway closes it. */
export async function exchangeBytes(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(bytes);
  return (await buffer(socket)).toString("latin1");
}

/** A chat completion as an OpenAI client asks for one. */
export function chat(body: unknown, headers: OutgoingHttpHeaders = {}): Call {
  return {
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  };
}

/** The `error` object of an answer in the shape of OpenAI's API. */
export function errorOf({ headers, body }: Reply): Readonly<Record<string, unknown>> {
  if (headers["content-type"] !== "application/json") throw new TypeError("not a JSON answer");
  const { error }: { readonly error: Readonly<Record<string, unknown>> } = JSON.parse(
    body.toString(),
  );
  return error;
}
