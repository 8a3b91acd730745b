import { formatPath } from "../gateway/config/problem.ts";
import type { FoundryGatewayArgs } from "./args.ts";
import { isLater } from "./args-shape.ts";
import { inboundPolicies, keysOf } from "./callers.ts";
import { type Sketch, sketchOf, unknownValue } from "./config-source.ts";
import { defaultConfig } from "./default-config.ts";
import { accountHost, accountName, isOpenAiOnly } from "./foundry-create.ts";
import { projectName } from "./foundry.ts";
import { ownVariables, variablesForCheck } from "./gateway-variables.ts";
import { planGateway } from "./gateway-plan.ts";
import type { InputProblem } from "./invalid-input.ts";
import { parseResourceId } from "./resource-id.ts";
import type { Account } from "./route-needs.ts";

/** Stand for values of the stack that are not known yet, in a form the gateway's check takes. */
const later = {
  host: accountHost("known-later"),
  guid: "00000000-0000-0000-0000-000000000000",
  audience: "known-later",
} as const;

/** Two keys are never the same one, so neither are these. */
function laterHash(index: number): string {
  return `sha256:${index.toString(16).padStart(64, "0")}`;
}

/**
 * What is wrong with a configuration whatever the stack's resources will say: at preview they have
 * said nothing yet.
 */
export function outlineProblems(
  gateway: string,
  args: FoundryGatewayArgs,
  sketch: Sketch,
): readonly InputProblem[] {
  const plan = outline(gateway, args, sketch);
  if (plan === undefined || !("problems" in plan)) return [];
  // What stands for a value that is not known yet is nobody's mistake.
  const unknown = sketch.later.map((path) => `gateway.${formatPath(path)}`);
  return plan.problems.filter(({ input }) => !unknown.includes(input));
}

/** What of the plan is known before any resource is there. */
export type Outline = {
  /** The deployments the routes name. */
  readonly deployments: readonly string[];
  /** The role on the account. Absent where it hangs on what the account says of itself. */
  readonly role: string | undefined;
};

/** @param args that have been checked */
export function outlinePlan(gateway: string, args: FoundryGatewayArgs): Outline {
  const account = knownAccount(gateway, args);
  const given = args.gateway ?? defaultConfig(account?.host ?? later.host, later.guid);
  const sketch = sketchOf(given);
  const plan = sketch === undefined ? undefined : outline(gateway, args, sketch);
  if (plan === undefined || "problems" in plan) return { deployments: [], role: undefined };
  return {
    deployments: plan.models.filter((model) => model !== unknownValue),
    role: account === undefined ? args.role : plan.role,
  };
}

function outline(
  gateway: string,
  args: FoundryGatewayArgs,
  sketch: Sketch,
): ReturnType<typeof planGateway> | undefined {
  const account = knownAccount(gateway, args);
  const host = account?.host ?? existingHost(args) ?? later.host;
  const env = args.env ?? [];
  // A variable may be any value of the configuration.
  if (env.some(({ value }) => isLater(value))) return undefined;
  return planGateway(sketch, {
    host,
    inbound: inboundPolicies(args.callers, {
      keys: keysOf(args.callers).map(({ name }, index) => ({ name, hash: laterHash(index) })),
      tenantId: later.guid,
      audiences: (args.callers?.entra?.audiences ?? []).map(() => later.audience),
    }),
    env: variablesForCheck(env, ownVariables(later.guid, host, projectName(args.foundry))),
    clientId: undefined,
    unknown: sketch.later,
    account,
    role: args.role,
  });
}

/** An existing account's subdomain is its name, unless somebody chose otherwise. */
function existingHost({ foundry: { existing } }: FoundryGatewayArgs): string | undefined {
  const id = existing?.accountId;
  const name = typeof id === "string" ? parseResourceId(id)?.name : undefined;
  return name === undefined ? undefined : accountHost(name.toLowerCase());
}

/** An account to be made is known before it is there. */
function knownAccount(
  gateway: string,
  { foundry: { create } }: FoundryGatewayArgs,
): Account | undefined {
  if (create === undefined) return undefined;
  return {
    host: accountHost(accountName(gateway, create)),
    deployments: create.deployments.map(({ name }) => name),
    openAiOnly: isOpenAiOnly(create),
  };
}
