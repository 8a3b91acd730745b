import {
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
  createServer,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Socket } from "node:net";
import type { Express } from "express";
import type { Duplex } from "node:stream";
import type { Bind } from "../config/run.ts";
import type { Reason } from "../errors.ts";
import { certificatesOf } from "./certificates.ts";
import { answerRaw, faultOf, hangUp, isLeaving } from "./malformed.ts";
import { asksForWebSocket, attachResponse } from "./upgrade.ts";

/** Largest head of a request, in bytes. */
const maxHeaderSize = 32 * 1024;

/** Milliseconds. */
const handshakeTimeout = 10_000;

/** Milliseconds that the peer of a connection has. */
export type Patience = {
  /** For the head of a request, or for the first one after connecting. */
  readonly head: number;
  /** For a whole request with its body; how long the answer takes is not part of it. */
  readonly request: number;
  /** For a byte in either direction while a request is under way. */
  readonly silence: number;
  /** Until its next request. */
  readonly keepAlive: number;
  /** How often the first two are looked at. */
  readonly check: number;
};

/**
 * Silence lasts longer than any backend may take to its first byte, so that it ends only callers who
 * have stopped reading. An ingress keeps its connections open for minutes: closing first would race
 * with its next request. The number of requests on a connection is not limited: the ingress shares
 * one among all callers.
 */
export const defaultPatience: Patience = {
  head: 20_000,
  request: 300_000,
  silence: 660_000,
  keepAlive: 620_000,
  check: 5_000,
};

export type Edge = {
  readonly patience: Patience;
  /** Ends the request under way on a connection. False when there is none. */
  refuse(socket: Duplex, reason: Reason): boolean;
  /** Whether a request is under way on a connection. */
  busy(socket: Duplex): boolean;
  /** The requests whose connection is to become a WebSocket. */
  readonly upgrading: WeakSet<IncomingMessage>;
};

/** The server of one bind. It does not listen yet. */
export type BindServer = {
  readonly server: Server;
  /**
   * Shows the certificates of another configuration from the next handshake on. False when that is
   * not done by certificates: the bind speaks HTTP now and HTTPS then, or the other way round.
   */
  renew(bind: Bind): boolean;
};

export function createBindServer(bind: Bind, app: Express, edge: Edge): BindServer {
  const { patience } = edge;
  const preset = presetPrototypes(app);
  const serve = listenerOf(app);
  // One that comes before the answer to the request ahead of it is an ordinary request.
  const upgrades = (request: IncomingMessage): boolean =>
    asksForWebSocket(request) && !edge.busy(request.socket);
  const bound = createServerOf(bind, serve, {
    ...preset,
    shouldUpgradeCallback: upgrades,
    maxHeaderSize,
    insecureHTTPParser: false,
    // Refused with the gateway's own answer, by what a request must be (request/admit.ts).
    requireHostHeader: false,
    headersTimeout: patience.head,
    requestTimeout: patience.request,
    keepAliveTimeout: patience.keepAlive,
    connectionsCheckingInterval: patience.check,
  });
  const { server } = bound;
  server.timeout = patience.silence;
  // Node would leave out what is above its limit, and say nothing; ours refuses.
  server.maxHeadersCount = 0;
  guard(server, edge);
  server.on("upgrade", (request, socket, head) => {
    // Node before 24.9 asks nobody which upgrades are wanted.
    if (!upgrades(request) || !(socket instanceof Socket)) return void socket.destroy();
    const response = new preset.ServerResponse(request);
    attachResponse(response, socket, head);
    edge.upgrading.add(request);
    serve(request, response);
  });
  return bound;
}

/** What is no request, or stops being one, gets the gateway's own answer and a closed connection. */
function guard(server: Server, edge: Edge): void {
  // Until it is closed, a broken connection reports each further piece.
  const refused = new WeakSet<Duplex>();
  server.on("clientError", (error: Error, socket: Duplex) => {
    if (refused.has(socket)) return;
    refused.add(socket);
    const fault = faultOf(error);
    const reason: Reason = isLeaving(error) ? { kind: "client_closed" } : fault;
    if (socket.writable && edge.refuse(socket, reason)) hangUp(socket);
    else answerRaw(socket, fault);
  });
  server.on("connect", (_, socket: Duplex) => answerRaw(socket, { kind: "bad_request_target" }));
}

/** Express answers in its own words what it cannot route; that is only a target it cannot parse. */
function listenerOf(app: Express): RequestListener {
  return (request, response) => {
    const unrouted = () => answerRaw(request.socket, { kind: "bad_request_target" });
    Reflect.apply(app, undefined, [request, response, unrouted]);
  };
}

function createServerOf(bind: Bind, serve: RequestListener, options: ServerOptions): BindServer {
  const first = certificatesOf(bind);
  if (first === undefined) {
    return {
      server: createServer(options, serve),
      renew: (next) => certificatesOf(next) === undefined,
    };
  }
  let shown = first;
  const server = createSecureServer(
    {
      ...options,
      ...first.fallback,
      handshakeTimeout,
      SNICallback: (name, done) => done(null, shown.contextFor(name)),
    },
    serve,
  );
  return {
    server,
    renew(next) {
      const certificates = certificatesOf(next);
      if (certificates === undefined) return false;
      shown = certificates;
      server.setSecureContext(certificates.fallback);
      return true;
    },
  };
}

/**
 * Express sets the prototype of every request and response to its own, which costs V8 its
 * knowledge of their shape and the server most of its speed. Where the objects are born with that
 * very prototype, setting it changes nothing.
 */
function presetPrototypes(app: Express) {
  class PresetRequest extends IncomingMessage {}
  class PresetResponse<
    Request extends IncomingMessage = IncomingMessage,
  > extends ServerResponse<Request> {}
  Object.setPrototypeOf(PresetRequest.prototype, app.request);
  Object.setPrototypeOf(PresetResponse.prototype, app.response);
  Reflect.set(app, "request", PresetRequest.prototype);
  Reflect.set(app, "response", PresetResponse.prototype);
  return { IncomingMessage: PresetRequest, ServerResponse: PresetResponse };
}
