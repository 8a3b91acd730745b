import * as pulumi from "@pulumi/pulumi";
import type * as managedidentity from "@pulumi/azure-native/managedidentity/index.js";
import type { FoundryGatewayArgs } from "./args.ts";
import { type CallerKey, inboundPolicies } from "./callers.ts";
import { type ConfigSource, sourceOf } from "./config-source.ts";
import { defaultConfig } from "./default-config.ts";
import type { Foundry } from "./foundry.ts";
import { type OwnVariables, variablesForCheck } from "./gateway-variables.ts";
import { type GatewayPlan, planGateway } from "./gateway-plan.ts";
import { InvalidInput } from "./invalid-input.ts";
import { outlineProblems } from "./outline-plan.ts";

/** The plan's parts, each once it is known; only the text can hold a secret. */
export type ResolvedPlan = {
  readonly [Part in Exclude<keyof GatewayPlan, "models">]: pulumi.Output<GatewayPlan[Part]>;
};

/** Renders and checks the configuration with the values the stack's resources gave. */
export function resolvePlan(
  gateway: string,
  args: FoundryGatewayArgs,
  parts: {
    readonly foundry: Foundry;
    readonly identity: managedidentity.UserAssignedIdentity;
    readonly keys: readonly CallerKey[];
    readonly own: OwnVariables;
  },
): ResolvedPlan {
  const { foundry, identity } = parts;
  const source =
    args.gateway === undefined
      ? sourceOf(
          pulumi
            .all([foundry.host, identity.clientId])
            .apply(([host, clientId]) => defaultConfig(host, clientId)),
        )
      : checkedSource(gateway, args);
  const entra = args.callers?.entra;
  const known = pulumi.output({
    callers: {
      keys: parts.keys.map(({ name, hash }) => ({ name, hash })),
      tenantId: entra?.tenantId ?? identity.tenantId,
      audiences: entra?.audiences ?? [],
    },
    account: {
      host: foundry.host,
      openAiOnly: foundry.openAiOnly,
      deployments: args.foundry.create?.deployments.map(({ name }) => name),
    },
    clientId: identity.clientId,
    // The value of a secret is not looked at: it would make the whole plan one.
    env: (args.env ?? []).map(({ name, value }) => ({ name, value })),
    own: parts.own,
  });
  const plan = pulumi
    .all([source, known])
    .apply(([written, { callers, account, clientId, env, own }]) => {
      const planned = planGateway(written, {
        inbound: inboundPolicies(args.callers, callers),
        env: variablesForCheck(env, own),
        clientId,
        unknown: [],
        account,
        host: account.host,
        role: args.role,
      });
      if ("problems" in planned) throw new InvalidInput(gateway, planned.problems);
      return planned;
    });
  const part = <Part extends keyof GatewayPlan>(name: Part) =>
    pulumi.unsecret(plan.apply((planned) => planned[name]));
  return {
    text: plan.text,
    port: part("port"),
    readinessPort: part("readinessPort"),
    role: part("role"),
    basePath: part("basePath"),
  };
}

/**
 * A configuration that was an output, looked at as soon as it is known: at preview, where the plan
 * still waits for what Azure will say.
 */
function checkedSource(gateway: string, args: FoundryGatewayArgs): pulumi.Output<ConfigSource> {
  return sourceOf(args.gateway).apply((source) => {
    const problems = outlineProblems(gateway, args, { ...source, later: [] });
    if (problems.length > 0) throw new InvalidInput(gateway, problems);
    return source;
  });
}
