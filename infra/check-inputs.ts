import type { FoundryGatewayArgs } from "./args.ts";
import { checkShape, isLater } from "./args-shape.ts";
import { builtBundle, readBundle } from "./bundle.ts";
import { inboundPolicies, keysOf } from "./callers.ts";
import { checkArgs } from "./check-args.ts";
import { sketchOf } from "./config-source.ts";
import { defaultConfig } from "./default-config.ts";
import { accountHost, accountName, isOpenAiOnly, projectName } from "./foundry.ts";
import { planGateway } from "./gateway-plan.ts";
import { type InputProblem, InvalidInput } from "./invalid-input.ts";
import type { Account } from "./route-needs.ts";
import { variablesForCheck } from "./gateway-container.ts";

/**
 * Checks everything that can be known before a resource is registered, and throws `InvalidInput`
 * with all of it. What is an output here goes through the same checks when it is known.
 * @returns the text of the bundle to deploy, or nothing for a prebuilt image
 */
export function checkInputs(gateway: string, args: FoundryGatewayArgs): string | undefined {
  const shape = checkShape(args);
  if (shape.length > 0) throw new InvalidInput(gateway, shape);
  const own = checkArgs(gateway, args);
  const bundle =
    args.image === undefined ? readBundle(args.bundle ?? builtBundle) : { text: undefined };
  const problems = [
    ...own,
    ...("message" in bundle ? [bundle] : []),
    // A wrong name of the account would be found once more in every route to it.
    ...(own.some(({ input }) => renderedFrom.test(input)) ? [] : checkGateway(gateway, args)),
  ];
  if (problems.length > 0 || "message" in bundle) throw new InvalidInput(gateway, problems);
  return bundle.text;
}

/** Inputs the configuration is rendered from. */
const renderedFrom = /^(?:name|foundry|callers|env|role)\b/;

/** Stand for values of the stack that are not known yet, in a form the gateway's check takes. */
const later = {
  host: accountHost("known-later"),
  guid: "00000000-0000-0000-0000-000000000000",
} as const;

/** Two keys are never the same one, so neither are these. */
function laterHash(index: number): string {
  return `sha256:${index.toString(16).padStart(64, "0")}`;
}

function checkGateway(gateway: string, args: FoundryGatewayArgs): readonly InputProblem[] {
  const account = knownAccount(gateway, args);
  const host = account?.host ?? later.host;
  const sketch = sketchOf(args.gateway ?? defaultConfig(host, later.guid));
  const env = args.env ?? [];
  if (sketch === undefined || env.some(({ value }) => isLater(value))) return [];
  const plan = planGateway(sketch, {
    inbound: inboundPolicies(args.callers, {
      keys: keysOf(args.callers).map(({ name }, index) => ({ name, hash: laterHash(index) })),
      tenantId: later.guid,
      audiences: (args.callers?.entra?.audiences ?? []).map(String),
    }),
    env: variablesForCheck(env, {
      AZURE_CLIENT_ID: later.guid,
      FOUNDRY_HOST: host,
      FOUNDRY_PROJECT: projectName(args.foundry) ?? "",
    }),
    clientId: undefined,
    unknown: sketch.later,
    account,
    role: args.role,
  });
  return "problems" in plan ? plan.problems : [];
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
