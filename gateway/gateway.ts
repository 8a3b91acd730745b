import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import express, { type Express, type Request, type Response } from "express";
import type { Log } from "./access-log.ts";
import { type RunnableBackend, chooseByWeight } from "./backend/backend.ts";
import { type Upstreams, createUpstreams } from "./backend/upstreams.ts";
import { type Dial, type Timeouts, defaultTimeouts } from "./backend/transport.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Environment } from "./config/environment.ts";
import type { Address, Bind, Config, Listener, Route } from "./config/run.ts";
import { type Reason, Refusal, endsConnection } from "./errors.ts";
import { close, listen } from "./listen/listening.ts";
import { createReadinessServer } from "./listen/readiness.ts";
import { type Patience, createBindServer, defaultPatience } from "./listen/server.ts";
import { compilePolicies } from "./policy/order.ts";
import type { Policy, PolicyNeeds } from "./policy/policy.ts";
import { admit } from "./request/admit.ts";
import { arrive } from "./request/arrive.ts";
import type { Exchange } from "./request/exchange.ts";
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
  /** With callers, as `timeouts` are with backends. */
  readonly patience?: Patience;
  /** For key sets. */
  readonly fetch?: typeof fetch;
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
  readonly policies: Policy | undefined;
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
  const bySocket = new WeakMap<Duplex, Exchange>();
  /** Closed as soon as their last answer is out; what they sent after it is not served. */
  const distrusted = new WeakSet<Duplex>();
  let ready = false;

  const servers = config.binds.map((bind) => ({
    bind,
    server: createBindServer(bind, application(bind), {
      patience: surroundings.patience ?? defaultPatience,
      refuse: refuseOn,
    }),
  }));
  const readiness = createReadinessServer(() => ready);
  return { start, drain };

  function application(bind: Bind): Express {
    const findListener = listenerFinder(bind.listeners.map(runListener));
    const app = express();
    app.disable("x-powered-by");
    app.disable("etag");
    // Otherwise Express would show a stack trace where its own code fails.
    app.set("env", "production");
    app.use((request: Request, response: Response) =>
      serve(bind.port, findListener, request, response),
    );
    return app;
  }

  function runListener(listener: Listener): RunningListener {
    const { name, hostname } = listener;
    return {
      name,
      hostname,
      find: compileRoutes(listener, (route) =>
        runRoute(route, upstreams, { clock, fetch: surroundings.fetch ?? fetch }),
      ),
    };
  }

  /** The way of a request: arrival, route, policies, backend, answer; whatever goes wrong ends it. */
  async function serve(
    port: number,
    findListener: (hostname: string) => RunningListener | undefined,
    request: Request,
    response: Response,
  ): Promise<void> {
    if (distrusted.has(request.socket)) return;
    const exchange = arrive(request, response, { port, log, randomId: randomUUID, onEnd });
    open.add(exchange);
    bySocket.set(request.socket, exchange);
    try {
      const { route, prefix } = findRoute(findListener, exchange);
      const verdict = route.policies?.(exchange, prefix);
      if ((verdict instanceof Promise ? await verdict : verdict) === "answered") return;
      const backend = chooseByWeight(route.backends, random);
      if (backend === undefined) throw new Refusal({ kind: "no_route" });
      exchange.record.backend = backend.name;
      await backend.forward(exchange);
    } catch (error) {
      end(exchange, error);
    }
  }

  function onEnd(exchange: Exchange): void {
    open.delete(exchange);
  }

  /** The rest of a request is not what it should be, or does not come. */
  function refuseOn(socket: Duplex, reason: Reason): boolean {
    const exchange = bySocket.get(socket);
    if (exchange === undefined || exchange.closed) return false;
    end(exchange, new Refusal(reason));
    return true;
  }

  function end(exchange: Exchange, error: unknown): void {
    const { id, record, closed } = exchange;
    if (closed) return;
    const reason: Reason = error instanceof Refusal ? error.reason : { kind: "internal" };
    record.outcome = reason.kind;
    if (reason.kind === "internal") log.error({ err: error, requestId: id }, "request failed");
    else if (error instanceof Refusal && error.cause !== undefined) {
      log.warn({ err: error.cause, requestId: id, reason: reason.kind }, "backend failed");
    }
    if (endsConnection(reason)) {
      exchange.response.shouldKeepAlive = false;
      distrusted.add(exchange.request.socket);
    }
    refuse(exchange, reason);
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

function runRoute(
  { name, policies, backends }: Route,
  upstreams: Upstreams,
  needs: PolicyNeeds,
): RunningRoute {
  return {
    name,
    policies: compilePolicies(policies, needs),
    backends: backends.map(upstreams.run),
  };
}

/** The most specific route for a request, within the most specific listener for its host. */
function findRoute(
  findListener: (hostname: string) => RunningListener | undefined,
  { request, hostname, target, record }: Exchange,
) {
  admit(request, target);
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
