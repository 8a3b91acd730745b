import type { Log } from "../access-log.ts";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config/environment.ts";
import type { Backend, BackendAuth, Target, Traffic } from "../config/run/backend.ts";
import { identity } from "../config/identity.ts";
import { type Affinity, createAffinity } from "./affinity.ts";
import { type RunningBackend, runBackend } from "./backend.ts";
import { type TokenBroker, createBroker } from "./credential/broker.ts";
import { createCredential } from "./credential/credential.ts";
import { describeFailure, describeSource } from "./credential/failure.ts";
import { acquireFrom } from "./credential/source.ts";
import { type Health, createHealth } from "./health.ts";
import { createLasting } from "./lasting.ts";
import { type Dial, type Timeouts, type Transport, createTransport } from "./transport.ts";

/**
 * What the backends of a gateway share: connections, by target, tokens, by credential and scope, and
 * what is known of a backend's health. Two credentials never share a token, nor do two scopes. All of
 * it survives a new configuration as far as that one uses it.
 */
export type Upstreams = {
  readonly affinity: Affinity;
  run<T extends Traffic>(backend: Backend, traffic: T): RunningBackend<T>;
  /** A service that is asked on a request's way. */
  service(to: Pick<Backend, "target" | "auth">): Pick<RunningBackend, "transport" | "credential">;
  /** Gets the tokens now, so that the first request need not wait. A failure is logged. */
  warm(): void;
  /** A new configuration is about to be compiled. */
  begin(): void;
  /** Gives up what the new configuration does not use; what is returned closes it. */
  retire(): () => Promise<void>;
  close(): Promise<void>;
  readonly counts: Counts;
};

/** How often it happened since the start. */
export type Counts = { coolDowns: number; evictions: number };

type Needs = {
  readonly env: Environment;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timeouts: Timeouts;
  readonly dial: Dial;
};

type AzureAuth = Extract<BackendAuth, { kind: "azure" }>;

export function createUpstreams(needs: Needs): Upstreams {
  const { env, log, clock, random, timeouts, dial } = needs;
  const transports = createLasting<Transport>();
  const brokers = createLasting<TokenBroker>();
  const healths = createLasting<Health>();
  const counts: Counts = { coolDowns: 0, evictions: 0 };

  return {
    affinity: createAffinity(),
    counts,
    run(backend, traffic) {
      const { target, auth, eviction, name } = backend;
      const connect = backend.timeouts.connect ?? timeouts.connect;
      const health = healths.get(identity({ target, auth, traffic, eviction, name }), () =>
        createHealth(eviction, (kind, milliseconds) => rest(name, kind, milliseconds)),
      );
      return runBackend(backend, traffic, {
        transport: transportTo(target, connect),
        health,
        credential: createCredential(auth, tokensFor),
      });
    },
    service: ({ target, auth }) => ({
      transport: transportTo(target, timeouts.connect),
      credential: createCredential(auth, tokensFor),
    }),
    warm() {
      for (const broker of brokers.all()) {
        // What goes wrong has been logged by then, and the first request tries again.
        Promise.resolve(broker.token()).catch(() => undefined);
      }
    },
    begin() {
      for (const shared of [transports, brokers, healths]) shared.begin();
    },
    retire() {
      const unused = { transports: transports.retire(), brokers: brokers.retire() };
      healths.retire();
      return async () => {
        for (const broker of unused.brokers) broker.stop();
        await Promise.all(unused.transports.map((transport) => transport.close()));
      };
    },
    async close() {
      for (const broker of brokers.all()) broker.stop();
      await Promise.all(transports.all().map((transport) => transport.destroy()));
    },
  };

  function rest(backend: string, kind: "limited" | "evicted", milliseconds: number): void {
    if (kind === "limited") counts.coolDowns += 1;
    else counts.evictions += 1;
    log.warn({ backend, kind, forMs: Math.round(milliseconds) }, "backend is left alone");
  }

  function transportTo(target: Target, connect: number): Transport {
    return transports.get(identity({ target, connect }), () =>
      createTransport(target, { ...timeouts, connect }, dial),
    );
  }

  function tokensFor({ source, scope }: AzureAuth): TokenBroker {
    return brokers.get(identity({ source, scope }), () =>
      createBroker({
        acquire: acquireFrom(source, scope, env),
        clock,
        random,
        onFailure: (error, retryIn) =>
          log.error(
            {
              credential: describeSource(source),
              scope,
              error: describeFailure(error, source),
              retryInMs: retryIn,
            },
            "no token",
          ),
      }),
    );
  }
}
