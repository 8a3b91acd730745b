import type { Log } from "../access-log.ts";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config/environment.ts";
import type { Backend, BackendAuth, Limits, Target } from "../config/run.ts";
import { isSecret } from "../config/secret.ts";
import { type RunnableBackend, runBackend } from "./backend.ts";
import { type TokenBroker, createBroker } from "./credential/broker.ts";
import { createCredential } from "./credential/credential.ts";
import { describeFailure, describeSource } from "./credential/failure.ts";
import { acquireFrom } from "./credential/source.ts";
import { type Dial, type Timeouts, type Transport, createTransport } from "./transport.ts";

/**
 * What the backends of a gateway share: connections, by target, and tokens, by credential and
 * scope. Two credentials never share a token, nor do two scopes.
 */
export type Upstreams = {
  run(backend: Backend): RunnableBackend;
  /** Gets the tokens now, so that the first request need not wait. A failure is logged. */
  warm(): void;
  close(): Promise<void>;
};

type Needs = {
  readonly env: Environment;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timeouts: Timeouts;
  readonly dial: Dial;
  readonly limits: Limits;
};

type AzureAuth = Extract<BackendAuth, { kind: "azure" }>;

export function createUpstreams(needs: Needs): Upstreams {
  const { env, log, clock, random, timeouts, dial, limits } = needs;
  const transports = new Map<string, Transport>();
  const brokers = new Map<string, TokenBroker>();

  return {
    run(backend) {
      const transport = once(transports, identity(backend.target), () =>
        createTransport(backend.target, timeouts, dial),
      );
      const credential = createCredential(backend.auth, tokensFor);
      return runBackend(backend, transport, credential, limits.requestBody);
    },
    warm() {
      for (const broker of brokers.values()) {
        // What goes wrong has been logged by then, and the first request tries again.
        Promise.resolve(broker.token()).catch(() => undefined);
      }
    },
    async close() {
      for (const broker of brokers.values()) broker.stop();
      await Promise.all([...transports.values()].map((transport) => transport.destroy()));
    },
  };

  function tokensFor({ source, scope }: AzureAuth): TokenBroker {
    return once(brokers, identity({ source, scope }), () =>
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

/** Equal settings give equal text. Kept in memory only: it spells secrets out. */
function identity(settings: Target | { source: AzureAuth["source"]; scope: string }): string {
  return JSON.stringify(settings, function (this: Record<string, unknown>, key, value: unknown) {
    // `value` has been through toJSON, which hides a secret.
    const raw = this[key];
    return isSecret(raw) ? raw.reveal() : value;
  });
}

function once<Value>(made: Map<string, Value>, key: string, make: () => Value): Value {
  const existing = made.get(key);
  if (existing !== undefined) return existing;
  const value = make();
  made.set(key, value);
  return value;
}
