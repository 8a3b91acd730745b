// A server that behaves like Azure AI Foundry with Azure OpenAI, and on demand like a broken one.
import { randomUUID } from "node:crypto";
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { bearerOf, refusal } from "./authorization.ts";
import type { AnswerChange, Behaviour } from "./behaviour.ts";
import { playFault } from "./fault.ts";
import { type Loopback, type LoopbackOptions, startLoopback } from "./loopback.ts";
import { greeting, playAnswer } from "./everyday-answer.ts";
import { send } from "./exchange.ts";
import { type Received, record } from "./received.ts";
import { type RealtimeSession, beginSession, deploymentAsked } from "./realtime.ts";
import { createScript, type Script } from "./script.ts";
import { createTokens, type Tokens } from "./tokens.ts";

export type FoundryOptions = LoopbackOptions & {
  /** The registry its issuers mint into; a fresh one, without tokens, unless given. */
  readonly tokens?: Tokens;
  /** What a token must be for; the two public ones unless given. */
  readonly audiences?: readonly string[];
  readonly apiKeys?: readonly string[];
  /** "any": every bearer token is good. */
  readonly accept?: "minted" | "any";
  /** The only models there are; every name exists unless given. */
  readonly deployments?: readonly string[];
  /** Of every answer that the script does not change. */
  readonly everyday?: AnswerChange;
  /** Longer request bodies are only counted and digested; 40 MiB unless given. */
  readonly keepBytes?: number;
};

export type Foundry = Omit<Loopback, "tcpSocket" | "resetConnections" | "endRequests"> &
  Script<Behaviour> & {
    /** In order of arrival, each from its headers on; emptied by `reset`. */
    readonly requests: readonly Received[];
    /** WebSockets that stand or stood, in order; emptied by `reset`. Each began as a request. */
    readonly sessions: readonly RealtimeSession[];
    readonly tokens: Tokens;
    /** The `count`-th request since the last reset, from 1, as soon as its headers are here. */
    whenReceived(count: number): Promise<Received>;
    /** Forgets requests, counts and script, and ends the connections that hang. */
    reset(): void;
  };

const publicAudiences = ["https://ai.azure.com", "https://cognitiveservices.azure.com"];

export async function startFoundry(options: FoundryOptions = {}): Promise<Foundry> {
  const tokens = options.tokens ?? createTokens();
  const everyday = options.everyday ?? {};
  const admission = {
    tokens,
    audiences: options.audiences ?? publicAudiences,
    apiKeys: options.apiKeys ?? [],
    accept: options.accept ?? "minted",
  };
  const script = createScript<Behaviour>();
  let requests: Received[] = [];
  let sessions: RealtimeSession[] = [];
  let waiting: { readonly count: number; readonly tell: (received: Received) => void }[] = [];

  const arrived = (received: Received): void => {
    requests.push(received);
    for (const { count, tell } of waiting) if (count === requests.length) tell(received);
    waiting = waiting.filter(({ count }) => count > requests.length);
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const behaviour = script.take() ?? { kind: "answer" };
    const token = tokens.find(bearerOf(request.headers) ?? "");
    const recording = record(request, response, token, options.keepBytes ?? 40 * 2 ** 20);
    arrived(recording.received);

    const exchange = { request, response, recording, tcp: loopback.tcpSocket(request.socket) };
    const refused = refusal(request.headers, token, admission);
    if (behaviour.kind === "answer") {
      const change = { ...everyday, ...behaviour };
      await playAnswer(exchange, change, refused, options.deployments);
    } else {
      await playFault(exchange, behaviour, refused);
    }
  };

  /** Faults come instead of the 101; the connection is closed after any other answer. */
  const serveUpgrade = async (
    request: IncomingMessage,
    response: ServerResponse,
    socket: Socket,
    head: Buffer,
  ): Promise<void> => {
    const behaviour = script.take() ?? { kind: "answer" };
    const token = tokens.find(bearerOf(request.headers) ?? "");
    const recording = record(request, response, token, 0);
    arrived(recording.received);
    const exchange = { request, response, recording, tcp: loopback.tcpSocket(socket) };
    const refused = refusal(request.headers, token, admission);
    if (behaviour.kind !== "answer") {
      // Without reading, nobody would see the peer leave.
      socket.once("end", () => socket.destroy()).resume();
      return playFault(exchange, { ...behaviour, after: "headers" }, refused);
    }
    const asked = deploymentAsked(request.url ?? "/", options.deployments);
    if (refused !== undefined) return send(exchange, refused);
    if (typeof asked !== "string") return send(exchange, asked);
    response.detachSocket(socket);
    const text = behaviour.content ?? everyday.content ?? greeting;
    sessions.push(await beginSession(request, socket, head, token, asked, text));
  };

  const loopback = await startLoopback(
    options,
    (request, response) => void serve(request, response).catch(failed(response)),
    (request, socket, head) => {
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket);
      response.once("finish", () => socket.end());
      socket.on("error", () => socket.destroy());
      serveUpgrade(request, response, socket, head).catch(failed(response));
    },
  );

  return {
    ...loopback,
    get connections() {
      return loopback.connections;
    },
    get requests() {
      return requests;
    },
    get sessions() {
      return sessions;
    },
    tokens,
    next: script.next,
    always: script.always,
    whenReceived(count) {
      const here = requests[count - 1];
      if (here !== undefined) return Promise.resolve(here);
      return new Promise((tell) => waiting.push({ count, tell }));
    },
    reset() {
      script.reset();
      loopback.endRequests();
      requests = [];
      sessions = [];
      loopback.resetConnections();
    },
  };
}

function failed(response: ServerResponse): (error: unknown) => void {
  return (error) => {
    // The peer has left, and the record says so.
    if (response.closed || response.destroyed) return;
    response.writeHead(500, { "content-type": "text/plain", "x-stand-in-id": randomUUID() });
    response.end(`the stand-in itself failed: ${String(error)}`);
  };
}
