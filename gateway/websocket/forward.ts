import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import { compileModelBackend } from "../backend/ai/model-backend.ts";
import { compileRealtime } from "../backend/ai/realtime.ts";
import type { RunningBackend } from "../backend/backend.ts";
import type { Forward } from "../backend/forward.ts";
import { answerable } from "../backend/headers.ts";
import type { UpstreamBody, UpstreamRequest } from "../backend/transport.ts";
import { type Trying, tryInTurn } from "../backend/tries.ts";
import type { Upstreams } from "../backend/upstreams.ts";
import type { Route } from "../config/run.ts";
import type { ModelTraffic, TransparentTraffic } from "../config/run/backend.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import { applyEdits } from "../request/header-edits.ts";
import { watchDeparture } from "./begin.ts";
import { type Offer, consentFault, handshakeHeaders } from "./handshake.ts";
import { protocolsIn } from "./offered-key.ts";
import { openTunnel } from "./tunnel.ts";
import { watchUsage } from "./usage.ts";

/** Milliseconds a backend has for its consent, unless the config says otherwise. */
const handshakeTimeout = 30_000;
const noBody: UpstreamBody = { kind: "none" };

type Common = Omit<Trying, "backends">;

/** Carries one WebSocket to a route's backends; before it stands, they are tried as for any request. */
export function compileTunnels(
  route: Route,
  upstreams: Upstreams,
  needs: Pick<Trying, "clock" | "random">,
): Forward {
  const common = { ...needs, retry: route.retry, affinity: upstreams.affinity };
  const models = route.backends.flatMap((backend) => {
    const { traffic } = backend;
    return traffic.kind === "ai" ? [upstreams.run<ModelTraffic>(backend, traffic)] : [];
  });
  if (models.length > 0) {
    const compiled = models.map((model) => compileModelBackend(model, upstreams.service));
    const plan = compileRealtime(route, compiled);
    return async (exchange) => {
      const { backends, target } = plan(exchange);
      return connect(exchange, { ...common, backends }, target, "counted");
    };
  }

  const transparent: TransparentTraffic = { kind: "transparent" };
  const services = route.backends.map((backend) => upstreams.run(backend, transparent));
  return async (exchange) => {
    if (exchange.caller.allowedModels !== undefined) {
      throw new Refusal({ kind: "model_not_allowed", model: "this service" });
    }
    const trying = { ...common, backends: services };
    return connect(exchange, trying, () => exchange.target, "uncounted");
  };
}

/** Resolves when the WebSocket stands, or the refusal of it has been delivered. */
async function connect<B extends RunningBackend>(
  exchange: Exchange,
  trying: Common & { readonly backends: readonly B[] },
  targetFor: (backend: B) => string,
  usage: "counted" | "uncounted",
): Promise<void> {
  const { request } = exchange;
  const offer: Offer = {
    key: request.headers["sec-websocket-key"] ?? "",
    protocols: protocolsIn(request.headers),
    // Without compression the events stay readable.
    extensions: usage === "counted" ? undefined : request.headers["sec-websocket-extensions"],
  };
  const stay = watchDeparture(request.socket);
  await tryInTurn(exchange, trying, trying.backends, undefined, (backend) => {
    const path = targetFor(backend);
    const headers = handshakeHeaders(backend.headers(exchange), offer);
    let taken: Duplex | undefined;
    return {
      body: noBody,
      request: (credential): UpstreamRequest => ({
        method: "GET",
        path,
        headers: [...headers, ...credential],
        body: noBody,
        timeouts: {
          firstByte: backend.timeouts.firstByte ?? handshakeTimeout,
          idle: backend.timeouts.idle,
        },
        upgrade: {
          protocol: "websocket",
          take(status, answerHeaders, socket) {
            const fault = consentFault(status, answerHeaders, offer);
            taken = socket;
            return fault === undefined
              ? undefined
              : new Refusal({ kind: "upstream_protocol" }, new Error(`handshake: ${fault}`));
          },
        },
      }),
      inspect(status, answerHeaders) {
        if (status === 101 && taken !== undefined) {
          stay();
          consent(exchange, answerHeaders);
          join(exchange, taken, backend, usage);
        }
        return undefined;
      },
    };
  });
}

function consent({ response, id, answerEdits }: Exchange, headers: IncomingHttpHeaders): void {
  const own: string[] = [];
  const plain: IncomingHttpHeaders = { ...headers };
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith("sec-websocket-")) continue;
    if (typeof value === "string") own.push(name, value);
    Reflect.deleteProperty(plain, name);
  }
  const list = applyEdits([...answerable(plain, "edited"), "x-request-id", id], answerEdits);
  response.writeHead(101, [...list, "connection", "Upgrade", "upgrade", "websocket", ...own]);
  response.flushHeaders();
}

function join(
  exchange: Exchange,
  socket: Duplex,
  { timeouts: { idle } }: RunningBackend,
  usage: "counted" | "uncounted",
): void {
  const { arrived, timeouts, streamKeepAlive, request } = exchange;
  const total =
    timeouts.total === undefined
      ? undefined
      : Math.max(0, arrived + timeouts.total - performance.now());
  const times = { ping: streamKeepAlive, idle, total };
  const watch = usage === "counted" ? watchUsage(exchange) : undefined;
  const tunnel = openTunnel(exchange, request.socket, socket, times, watch);
  exchange.work = { abandon: tunnel.cut };
  exchange.goAway = tunnel.goAway;
}
