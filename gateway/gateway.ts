import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import express, { type Express, type Request, type Response } from "express";
import type { Log } from "./access-log.ts";
import { type Dial, type Timeouts, defaultTimeouts } from "./backend/transport.ts";
import { type Counts as UpstreamCounts, createUpstreams } from "./backend/upstreams.ts";
import { createLasting } from "./backend/lasting.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Environment } from "./config/environment.ts";
import type { Address, Config } from "./config/run.ts";
import { type Reason, Refusal, endsConnection, outcomeOf } from "./errors.ts";
import { createBindServers } from "./listen/bind-servers.ts";
import { close, listen } from "./listen/listening.ts";
import { createReadinessServer } from "./listen/readiness.ts";
import { type Patience, createBindServer, defaultPatience } from "./listen/server.ts";
import type { Policy } from "./policy/policy.ts";
import { type Arrival, arrive } from "./request/arrive.ts";
import { type RequestCounts, countRequests } from "./request/counts.ts";
import type { Exchange } from "./request/exchange.ts";
import { refuse } from "./request/refuse.ts";
import { createUnderWay } from "./request/under-way.ts";
import { compileTable } from "./route/table.ts";
import { beginHandshake } from "./websocket/begin.ts";

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
  /** Requests that have no whole answer yet. */
  underWay(): number;
};

export type Counts = UpstreamCounts &
  RequestCounts & {
    /** Configurations put in force, and those that could not be. */
    readonly reloads: number;
    readonly failedReloads: number;
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

  const policies = createLasting<Policy>();
  let table = compileTable(config, upstreams, policies, needs);
  const upgrading = new WeakSet<IncomingMessage>();
  const patience = surroundings.patience ?? defaultPatience;
  const busy = (socket: Duplex): boolean => underWay.on(socket) !== undefined;
  const edge = { patience, refuse: refuseOn, busy, upgrading };
  const servers = createBindServers(
    (bind) => createBindServer(bind, application(bind.port), edge),
    address,
  );
  const readiness = createReadinessServer(() => state === "ready");
  const underWay = createUnderWay();
  /** Closed as soon as their last answer is out; what they sent after it is not served. */
  const distrusted = new WeakSet<Duplex>();
  let state: "starting" | "ready" | "draining" = "starting";
  let swapping: Promise<unknown> = Promise.resolve();
  const requests = countRequests();
  const counts = { reloads: 0, failedReloads: 0 };
  return {
    start,
    reload,
    drain,
    counts: () => ({ ...requests.counts, ...counts, ...upstreams.counts }),
    underWay: () => underWay.size,
  };

  function application(port: number): Express {
    const app = express();
    app.disable("x-powered-by");
    app.disable("etag");
    // Otherwise Express would show a stack trace where its own code fails.
    app.set("env", "production");
    const arrival = { port, log, randomId: randomUUID, underWay, onEnd };
    // It catches what goes wrong: Express has nothing to wait for.
    app.use((request: Request, response: Response) => serve(arrival, request, response));
    return app;
  }

  /** The way of a request: arrival, route, policies, backend, answer; whatever goes wrong ends it. */
  function serve(arrival: Arrival, request: Request, response: Response): void {
    if (distrusted.has(request.socket)) return;
    const exchange = arrive(request, response, arrival);
    if (state === "draining") response.shouldKeepAlive = false;
    const upgrade = request.headers.upgrade !== undefined && upgrading.has(request);
    const failed = (error: unknown): void => end(exchange, error);
    try {
      if (upgrade) beginHandshake(exchange, state);
      const { route, prefix } = table.find(arrival.port, exchange);
      const forward = upgrade ? route.tunnel : route.forward;
      const verdict = route.policies?.(exchange, prefix);
      const answering =
        verdict instanceof Promise
          ? verdict.then((waited) => (waited === "answered" ? undefined : forward(exchange)))
          : verdict === "answered"
            ? undefined
            : forward(exchange);
      if (answering instanceof Promise) answering.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** The rest of a request is not what it should be, or does not come. */
  function refuseOn(socket: Duplex, reason: Reason): boolean {
    const exchange = underWay.on(socket);
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
    requests.ended(exchange);
    // A caller's connection would otherwise be kept alive long beyond its last request.
    if (servers.closing()) setImmediate(servers.closeIdle);
    if (state === "draining") cutWhenQuiet();
  }

  async function start(): Promise<Started> {
    await servers.open(config.binds);
    const binds = await servers.settle(config.binds);
    const readinessAt =
      config.readiness === undefined
        ? undefined
        : await listen(readiness, address(config.readiness));
    upstreams.warm();
    if (state === "starting") state = "ready";
    return { binds, readiness: readinessAt };
  }

  /** One after the other: each starts from what the one before it has left. */
  function reload(next: Config): Promise<readonly Address[]> {
    const swapped = swapping.then(() => swap(next));
    swapping = swapped.then(
      () => (counts.reloads += 1),
      () => (counts.failedReloads += 1),
    );
    return swapped;
  }

  async function swap(next: Config): Promise<readonly Address[]> {
    if (state === "draining") throw new Error("the gateway is draining");
    for (const shared of [upstreams, policies]) shared.begin();
    const compiled = compileTable(next, upstreams, policies, needs);
    // Fails before anything has changed.
    await servers.open(next.binds);
    table = compiled;
    policies.retire();
    const closeUnused = upstreams.retire();
    underWay.afterThese(() => void closeUnused());
    upstreams.warm();
    return servers.settle(next.binds);
  }

  async function drain(grace: number): Promise<number> {
    state = "draining";
    for (const { response } of underWay.all()) {
      if (!response.headersSent) response.shouldKeepAlive = false;
    }
    const closed = servers.close();
    cutWhenQuiet();
    let cut = 0;
    const tooLate = new Promise<void>((resolve) => {
      const cancel = clock.after(grace, () => {
        cut = underWay.size;
        for (const { goAway } of underWay.all()) goAway?.();
        servers.cutAll();
        resolve();
      });
      void closed.then(cancel);
    });
    // What has no request, such as a handshake that does not end, is not waited for.
    await Promise.race([closed, tooLate]);
    // Their lines in the log come when their connections have closed.
    await new Promise<void>((resolve) => underWay.afterThese(resolve));
    await upstreams.close();
    await close(readiness);
    return cut;
  }

  /** Connections on which nothing is asked do not hold up the end; those just asking get a moment. */
  function cutWhenQuiet(): void {
    if (underWay.size > 0) return;
    clock.after(lastMoment, () => {
      if (underWay.size === 0) servers.cutAll();
    });
  }
}

/** Milliseconds. */
const lastMoment = 250;
