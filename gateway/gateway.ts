import { randomUUID } from "node:crypto";
import express, { type Express, type Request, type Response } from "express";
import { type Log, logAccess } from "./access-log.ts";
import { type RunnableBackend, chooseByWeight } from "./backend/backend.ts";
import { type Upstreams, createUpstreams } from "./backend/upstreams.ts";
import { type Dial, type Timeouts, defaultTimeouts } from "./backend/transport.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Environment } from "./config/environment.ts";
import type { Address, Bind, Config, Listener, Route } from "./config/run.ts";
import { Refusal } from "./errors.ts";
import { close, listen } from "./listen/listening.ts";
import { createReadinessServer } from "./listen/readiness.ts";
import { createBindServer } from "./listen/server.ts";
import { compilePolicies } from "./policy/order.ts";
import { accessRecord } from "./request/access-record.ts";
import { type Exchange, requestId, requestTarget } from "./request/exchange.ts";
import { refuse } from "./request/refuse.ts";
import { type Finder, compileRoutes } from "./route/finder.ts";
import { listenerFinder } from "./route/listener.ts";

/** What the gateway takes from the world around it. */
export type Surroundings = {
  readonly env: Environment;
  readonly log: Log;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly timeouts?: Timeouts;
  /** Where to connect for a target, and where to listen for a bind; tests stay on loopback. */
  readonly dial?: Dial;
  readonly address?: (configured: Address) => Address;
};

export type Gateway = {
  /** Listens on every bind and on the readiness address. Rejects when one cannot be had. */
  start(): Promise<Started>;
  /**
   * Stops accepting, lets the requests under way finish, and cuts those that are left after
   * `grace` milliseconds. Resolves with how many were cut.
   */
  drain(grace: number): Promise<number>;
};

export type Started = {
  /** In the order of the config. */
  readonly binds: readonly Address[];
  readonly readiness: Address | undefined;
};

type RunningRoute = {
  readonly name: string;
  readonly policies: ReturnType<typeof compilePolicies>;
  readonly backends: readonly RunnableBackend[];
};

type RunningListener = {
  readonly name: string;
  readonly hostname: string | undefined;
  readonly find: Finder<RunningRoute>;
};

/** Config as run -> servers. Everything a request needs is compiled here, once. */
export function createGateway(config: Config, surroundings: Surroundings): Gateway {
  const { log, env, clock = systemClock, random = Math.random } = surroundings;
  const { timeouts = defaultTimeouts, address = (configured) => configured } = surroundings;
  const dial: Dial = surroundings.dial ?? ((target) => target);
  const upstreams = createUpstreams({
    env,
    log,
    clock,
    random,
    timeouts,
    dial,
    limits: config.limits,
  });
  const open = new Set<Exchange>();
  let ready = false;

  const servers = config.binds.map((bind) => ({
    bind,
    server: createBindServer(bind, application(bind)),
  }));
  const readiness = createReadinessServer(() => ready);
  return { start, drain };

  function application(bind: Bind): Express {
    const findListener = listenerFinder(bind.listeners.map(runListener));
    const app = express();
    app.disable("x-powered-by");
    app.disable("etag");
    app.use((request: Request, response: Response) =>
      serve(bind.port, findListener, request, response),
    );
    return app;
  }

  function runListener(listener: Listener): RunningListener {
    const { name, hostname } = listener;
    return { name, hostname, find: compileRoutes(listener, (route) => runRoute(route, upstreams)) };
  }

  /** The way of a request: arrival, route, policies, backend, answer; whatever goes wrong ends it. */
  async function serve(
    port: number,
    findListener: (hostname: string) => RunningListener | undefined,
    request: Request,
    response: Response,
  ): Promise<void> {
    const exchange = arrive(port, request, response);
    try {
      const { route, prefix } = findRoute(findListener, exchange);
      const pending = route.policies?.(exchange, prefix);
      if (pending !== undefined) await pending;
      const backend = chooseByWeight(route.backends, random);
      if (backend === undefined) throw new Refusal({ kind: "no_route" });
      exchange.record.backend = backend.name;
      await backend.forward(exchange);
    } catch (error) {
      end(exchange, error);
    }
  }

  function arrive(port: number, request: Request, response: Response): Exchange {
    const arrived = performance.now();
    const { method, url, headers } = request;
    const id = requestId(headers["x-request-id"], randomUUID);
    const location = requestTarget(url, headers.host);
    const exchange: Exchange = {
      request,
      response,
      id,
      hostname: location?.hostname ?? "",
      target: location?.target ?? "",
      authority: { kind: "auto" },
      record: accessRecord(id, port, method, url),
      abort: undefined,
      closed: false,
    };
    open.add(exchange);
    response.once("close", () => {
      open.delete(exchange);
      exchange.closed = true;
      if (!response.writableFinished && exchange.record.outcome === "ok") {
        exchange.record.outcome = "client_closed";
      }
      exchange.abort?.();
      const status = response.headersSent ? response.statusCode : 499;
      logAccess(log, exchange.record, status, arrived, performance.now());
    });
    return exchange;
  }

  function findRoute(
    findListener: (hostname: string) => RunningListener | undefined,
    { request, hostname, target, record }: Exchange,
  ) {
    if (target === "") throw new Refusal({ kind: "bad_request_target" });
    const listener = findListener(hostname);
    if (listener === undefined) throw new Refusal({ kind: "no_route" });
    record.listener = listener.name;
    const question = target.indexOf("?");
    const found = listener.find(hostname, {
      method: request.method,
      path: question === -1 ? target : target.slice(0, question),
      query: question === -1 ? "" : target.slice(question + 1),
      headers: request.headers,
    });
    if (found === undefined) throw new Refusal({ kind: "no_route" });
    record.route = found.route.name;
    return found;
  }

  function end({ id, record, response, closed }: Exchange, error: unknown): void {
    const reason = error instanceof Refusal ? error.reason : { kind: "internal" as const };
    if (closed) return;
    record.outcome = reason.kind;
    if (reason.kind === "internal") log.error({ err: error, requestId: id }, "request failed");
    else if (error instanceof Refusal && error.cause !== undefined) {
      log.warn({ err: error.cause, requestId: id, reason: reason.kind }, "backend failed");
    }
    refuse(response, reason, id);
  }

  async function start(): Promise<Started> {
    const binds: Address[] = [];
    for (const { bind, server } of servers) {
      binds.push(await listen(server, address({ host: undefined, port: bind.port })));
    }
    const readinessAt =
      config.readiness === undefined
        ? undefined
        : await listen(readiness, address(config.readiness));
    upstreams.warm();
    ready = true;
    return { binds, readiness: readinessAt };
  }

  async function drain(grace: number): Promise<number> {
    ready = false;
    const closing = servers.map(({ server }) => close(server));
    let cut = 0;
    const cancel = clock.after(grace, () => {
      cut = open.size;
      for (const { server } of servers) server.closeAllConnections();
    });
    await Promise.all(closing);
    cancel();
    await upstreams.close();
    await close(readiness);
    return cut;
  }
}

function runRoute({ name, policies, backends }: Route, upstreams: Upstreams): RunningRoute {
  return { name, policies: compilePolicies(policies), backends: backends.map(upstreams.run) };
}
