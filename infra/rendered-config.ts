import { parse, stringify } from "yaml";
import { type Loaded, loadConfig } from "../gateway/config/load.ts";
import type { Path } from "../gateway/config/problem.ts";
import type { Config, Route } from "../gateway/config/run.ts";
import { addToRoutes } from "./config-routes.ts";
import { type ConfigSource, asInputProblems } from "./config-source.ts";
import { type InboundPolicies, addInboundPolicies, checkNoneOpen } from "./inbound-checks.ts";
import type { InputProblem } from "./invalid-input.ts";
import { azureCalls } from "./route-needs.ts";
import { timings } from "./timings.ts";

/** The configuration as it is mounted in the app, and as the gateway will run it. */
export type RenderedConfig = { readonly text: string; readonly config: Config };

/** What a configuration is rendered with. */
export type RenderWith = {
  /** The policies of `callers`; absent when anyone may call. */
  readonly inbound: InboundPolicies | undefined;
  /** The app's environment, as far as it is known. */
  readonly env: Readonly<Record<string, string>>;
  /** Client id of the identity the app runs as; absent until it is known. */
  readonly clientId: string | undefined;
  /** Places whose values are not known yet. */
  readonly unknown: readonly Path[];
};

/** Adds the callers' checks and the app's time limit to a configuration, and reads it as the gateway will; pure. */
export function renderConfig(
  source: ConfigSource,
  { inbound, env, clientId, unknown }: RenderWith,
): RenderedConfig | { readonly problems: readonly InputProblem[] } {
  const given = load(source.text, env);
  if ("problems" in given) return { problems: asInputProblems(given.problems, source, unknown) };

  const written: unknown = parse(source.text, { merge: true });
  if (inbound !== undefined) addInboundPolicies(written, given.config, inbound);
  addToRoutes(written, given.config, beforeIngressCuts, hasNoTimeout);
  const text = stringify(written, { lineWidth: 0, aliasDuplicateObjects: false });
  const loaded = load(text, env);
  if ("problems" in loaded) {
    return { problems: asInputProblems(loaded.problems, { text, positions: false }, unknown) };
  }
  const problems = [
    ...(inbound === undefined ? [] : checkNoneOpen(loaded.config)),
    ...checkFits(loaded.config),
    ...checkIdentity(loaded.config, clientId),
  ];
  return problems.length > 0 ? { problems } : { text, config: loaded.config };
}

const beforeIngressCuts = {
  timeout: { requestTimeout: `${timings.answerBegins}s`, idleTimeout: `${timings.answerIdle}s` },
  streamKeepAlive: `${timings.streamKeepAlive}s`,
};

function hasNoTimeout({ backends, policies }: Route): boolean {
  const { request, total } = policies.timeouts;
  return backends.length > 0 && request === undefined && total === undefined;
}

function load(text: string, env: Readonly<Record<string, string>>): Loaded {
  return loadConfig(text, {
    env,
    readFile() {
      throw new Error("the app has no files but the gateway and this configuration");
    },
  });
}

/** What the gateway would run and a container app could not. */
function checkFits(config: Config): readonly InputProblem[] {
  const problems: InputProblem[] = [];
  if (config.binds.length > 1) {
    problems.push({
      input: "gateway.binds",
      message:
        "the app's ingress reaches one port: expected one bind, with several listeners if needed",
    });
  }
  for (const [index, listener] of (config.binds[0]?.listeners ?? []).entries()) {
    if (listener.tls === undefined) continue;
    problems.push({
      input: `gateway.binds[0].listeners[${index}].protocol`,
      message: "the app's ingress ends TLS and speaks HTTP to the gateway: expected HTTP",
    });
  }
  if (config.readiness === undefined || isLoopback(config.readiness.host)) {
    problems.push({
      input: "gateway.config.readinessAddr",
      message:
        "the app's probes ask for readiness from outside the container: expected a port of every interface",
    });
  }
  return problems;
}

function isLoopback(host: string | undefined): boolean {
  return host === "localhost" || host === "::1" || host?.startsWith("127.") === true;
}

/** The app has one identity, user-assigned; a credential of another kind has nothing to ask. */
function checkIdentity(config: Config, clientId: string | undefined): readonly InputProblem[] {
  const expected = "expected managedIdentity.userAssignedIdentity with clientId: $AZURE_CLIENT_ID";
  return azureCalls(config).flatMap(({ auth, place }) => {
    if (auth.kind !== "azure") return [];
    const { source } = auth;
    const input = `gateway.${place}`;
    if (source.kind === "workloadIdentity") {
      return [{ input, message: `Container Apps has no workload identity: ${expected}` }];
    }
    if (source.kind === "developerImplicit") {
      return [{ input, message: `nobody is logged in to az or azd in a container: ${expected}` }];
    }
    if (source.kind !== "managedIdentity") return [];
    const { identity } = source;
    if (identity.kind === "systemAssigned") {
      return [{ input, message: `the app has no system-assigned identity: ${expected}` }];
    }
    if (identity.kind === "clientId" && clientId !== undefined && identity.id !== clientId) {
      return [{ input, message: `the app does not run as client ${identity.id}: ${expected}` }];
    }
    return [];
  });
}
