import { IncomingMessage, type Server, ServerResponse, createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type SecureContext, createSecureContext } from "node:tls";
import type { Express } from "express";
import type { Bind, ServerTls } from "../config/run.ts";
import { listenerFinder } from "../route/listener.ts";

/** Largest head of a request, in bytes. */
const maxHeaderSize = 32 * 1024;
/** An ingress keeps its connections open for minutes; closing first would race with its next request. */
const keepAliveTimeout = 620_000;

/** The server of one bind. It does not listen yet. */
export function createBindServer(bind: Bind, app: Express): Server {
  const options = { ...presetPrototypes(app), maxHeaderSize, keepAliveTimeout };
  const listeners = bind.listeners.flatMap(({ hostname, tls }) =>
    tls === undefined ? [] : [{ hostname, tls, context: secureContext(tls) }],
  );
  const [first] = listeners;
  if (first === undefined) return createServer(options, app);

  const find = listenerFinder(listeners);
  return createSecureServer(
    {
      ...options,
      // For a client that names no host, or one that no listener has.
      cert: first.tls.cert,
      key: first.tls.key.reveal(),
      SNICallback: (name, done) => done(null, find(name.toLowerCase())?.context),
    },
    app,
  );
}

function secureContext({ cert, key }: ServerTls): SecureContext {
  return createSecureContext({ cert, key: key.reveal() });
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
