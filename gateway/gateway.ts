import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import express, { type Express, type Request, type Response } from "express";
import type { Log } from "./access-log.ts";
import { type Dial, type Timeouts, defaultTimeouts } from "./backend/transport.ts";
import { type Counts as UpstreamCounts, createUpstreams } from "./backend/upstreams.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Environment } from "./config/environment.ts";
import type { Address, Config } from "./config/run.ts";
import { type Reason, Refusal, endsConnection, outcomeOf } from "./errors.ts";
import { createBindServers } from "./listen/bind-servers.ts";
import { close, listen } from "./listen/listening.ts";
import { createReadinessServer } from "./listen/readiness.ts";
import { type Patience, createBindServer, defaultPatience } from "./listen/server.ts";
import { arrive } from "./request/arrive.ts";
import type { Exchange } from "./request/exchange.ts";
import { refuse } from "./request/refuse.ts";
import { compileTable } from "./route/table.ts";

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
   * Serves by another configuration from now on; requests under way finish by the old one. What does
   * not change is kept: connections, tokens, cool-downs. The readiness address stays as it was.
   * Rejects, and changes nothing, when a new port cannot be had.
   */
  reload(config: Config): Promise<readonly Address[]>;
  /**
   * Stops accepting, lets the requests under way finish, and cuts those that are left after
   * `grace` milliseconds. Resolves with how many were cut.
   */
  drain(grace: number): Promise<number>;
  /** How often it happened since the start. */
  counts(): Counts;
};

export type Counts = UpstreamCounts & {
  /** Requests that were tried more than once, and those of them answered well. */
  readonly retried: number;
  readonly rescued: number;
};

export type Started = {
  /** In the order of the config. */
  readonly binds: readonly Address[];
  readonly readiness: Address | undefined;
};

/** Config as run -> servers. Everything a request needs is compiled here, once. */
export function createGateway(config: Config, surroundings: Surroundings): Gateway {
  const { log, env, clock = systemClock, random = Math.random } = surroundings;
  const { timeouts = defaultTimeouts, address = (configured) => configured } = surroundings;
  const dial: Dial = surroundings.dial ?? ((target) => target);
  const upstreams = createUpstreams({ env, log, clock, random, timeouts, dial });
  const needs = { clock, random, fetch: surroundings.fetch ?? fetch };

  let table = compileTable(config, upstreams, needs);
  const edge = { patience: surroundings.patience ?? defaultPatience, refuse: refuseOn };
  const servers = createBindServers(
    (bind) => createBindServer(bind, application(bind.port), edge),
    address,
  );
  const readiness = createReadinessServer(() => state === "ready");
  const open = new Set<Exchange>();
  const bySocket = new WeakMap<Duplex, Exchange>();
  /** Closed as soon as their last answer is out; what they sent after it is not served. */
  const distrusted = new WeakSet<Duplex>();
  let state: "starting" | "ready" | "draining" = "starting";
  const counts = { retried: 0, rescued: 0 };
  return { start, reload, drain, counts: () => ({ ...counts, ...upstreams.counts }) };

  function application(port: number): Express {
    const app = express();
    app.disable("x-powered-by");
    app.disable("etag");
    // Otherwise Express would show a stack trace where its own code fails.
    app.set("env", "production");
    app.use((request: Request, response: Response) => serve(port, request, response));
    return app;
  }

  /** The way of a request: arrival, route, policies, backend, answer; whatever goes wrong ends it. */
  async function serve(port: number, request: Request, response: Response): Promise<void> {
    if (distrusted.has(request.socket)) return;
    const exchange = arrive(request, response, { port, log, randomId: randomUUID, onEnd });
    open.add(exchange);
    bySocket.set(request.socket, exchange);
    try {
      const { route, prefix } = table.find(port, exchange);
      const verdict = route.policies?.(exchange, prefix);
      if ((verdict instanceof Promise ? await verdict : verdict) === "answered") return;
      await route.forward(exchange);
    } catch (error) {
      end(exchange, error);
    }
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
    record.outcome = outcomeOf(reason);
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

  function onEnd(exchange: Exchange): void {
    open.delete(exchange);
    const { record, response } = exchange;
    if (record.tries !== undefined) {
      counts.retried += 1;
      if (record.outcome === "ok" && response.statusCode < 400) counts.rescued += 1;
    }
    // A caller's connection would otherwise be kept alive long beyond its last request.
    if (state === "draining") setImmediate(servers.closeIdle);
  }

  async function start(): Promise<Started> {
    await servers.open(config.binds);
    const binds = await servers.settle(config.binds);
    const readinessAt =
      config.readiness === undefined
        ? undefined
        : await listen(readiness, address(config.readiness));
    upstreams.warm();
    state = "ready";
    return { binds, readiness: readinessAt };
  }

  async function reload(next: Config): Promise<readonly Address[]> {
    upstreams.begin();
    const compiled = compileTable(next, upstreams, needs);
    // Fails before anything has changed.
    await servers.open(next.binds);
    const before = [...open];
    table = compiled;
    void ended(before).then(upstreams.retire());
    upstreams.warm();
    return servers.settle(next.binds);
  }

  async function drain(grace: number): Promise<number> {
    state = "draining";
    const closing = servers.close();
    let cut = 0;
    const cancel = clock.after(grace, () => {
      cut = open.size;
      servers.cutAll();
    });
    await closing;
    cancel();
    await upstreams.close();
    await close(readiness);
    return cut;
  }
}

/** Resolves when these requests have been answered. */
function ended(exchanges: readonly Exchange[]): Promise<unknown> {
  return Promise.all(
    exchanges.map(
      ({ response }) =>
        new Promise<void>((resolve) => void response.once("close", () => resolve())),
    ),
  );
}
