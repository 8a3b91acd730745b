import { parse, stringify } from "yaml";
import { type Loaded, loadConfig } from "../gateway/config/load.ts";
import type { Path } from "../gateway/config/problem.ts";
import type { Route } from "../gateway/config/run.ts";
import { isRecord } from "../gateway/config/written/object.ts";
import { type PlacedConfig, addToRoutes, inputAt } from "./config-routes.ts";
import { type ConfigSource, asInputProblems } from "./config-source.ts";
import {
  type InboundPolicies,
  addInboundPolicies,
  checkNoneHalfGuarded,
  checkNoneOpen,
} from "./inbound-checks.ts";
import type { InputProblem } from "./invalid-input.ts";
import { azureCalls, inputOf } from "./route-needs.ts";
import { timings } from "./timings.ts";

/** The configuration as it is mounted in the app, and as the gateway will run it. */
export type RenderedConfig = PlacedConfig & { readonly text: string };

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

/** Adds the callers' checks, the app's time limit and the origin callers use to a configuration, and reads it as the gateway will; pure. */
export function renderConfig(
  source: ConfigSource,
  { inbound, env, clientId, unknown }: RenderWith,
): RenderedConfig | { readonly problems: readonly InputProblem[] } {
  const given = load(source.text, env);
  if ("problems" in given) return { problems: asInputProblems(given.problems, source, unknown) };

  const mixed = inbound === undefined ? [] : checkNoneHalfGuarded(given);
  if (mixed.length > 0) return { problems: mixed };
  const written: unknown = parse(source.text, { merge: true });
  if (inbound !== undefined) addInboundPolicies(written, given, inbound);
  addToRoutes(written, given, beforeIngressCuts, hasNoTimeout);
  addPublicOrigin(written);
  const text = stringify(written, { lineWidth: 0, aliasDuplicateObjects: false });
  const loaded = load(text, env);
  if ("problems" in loaded) {
    return { problems: asInputProblems(loaded.problems, { text, positions: false }, unknown) };
  }
  const problems = [
    ...(inbound === undefined ? [] : checkNoneOpen(loaded)),
    ...checkFits(loaded),
    ...checkIdentity(loaded, clientId),
  ];
  const { config, places } = loaded;
  return problems.length > 0 ? { problems } : { text, config, places };
}

const beforeIngressCuts = {
  timeout: { requestTimeout: `${timings.answerBegins}s`, idleTimeout: `${timings.answerIdle}s` },
  streamKeepAlive: `${timings.streamKeepAlive}s`,
};

/** The app's ingress ends TLS, takes no plain HTTP, and knows the hosts it lets in. */
function addPublicOrigin(written: unknown): void {
  if (!isRecord(written)) return;
  const settings = isRecord(written["config"]) ? written["config"] : {};
  written["config"] = { publicOrigin: "https://*", ...settings };
}

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
function checkFits({ config, places }: PlacedConfig): readonly InputProblem[] {
  const problems: InputProblem[] = [];
  const [first, ...others] = config.binds;
  const reached = first === undefined ? "" : inputAt(places.of(first));
  for (const bind of others) {
    problems.push({
      input: inputAt(places.of(bind)),
      message: `the app's ingress reaches one port, that of ${reached}: expected one, with several listeners if needed`,
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
function checkIdentity(
  placed: PlacedConfig,
  clientId: string | undefined,
): readonly InputProblem[] {
  const expected = "expected managedIdentity.userAssignedIdentity with clientId: $AZURE_CLIENT_ID";
  return azureCalls(placed.config).flatMap((call) => {
    if (call.auth.kind !== "azure") return [];
    const { source } = call.auth;
    const input = inputOf(call, placed.places);
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
