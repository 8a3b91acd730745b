import type { FoundryGatewayArgs } from "./args.ts";
import { isLater } from "./args-shape.ts";
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
  const problems = [...checkArgs(gateway, args)];
  if (problems.length > 0) throw new InvalidInput(gateway, problems);
  const bundle =
    args.image === undefined ? readBundle(args.bundle ?? builtBundle) : { text: undefined };
  if ("message" in bundle) problems.push(bundle);
  problems.push(...checkGateway(gateway, args));
  if (problems.length > 0 || "message" in bundle) throw new InvalidInput(gateway, problems);
  return bundle.text;
}

/** Stand for values of the stack that are not known yet, in a form the gateway's check takes. */
const later = {
  host: accountHost("known-later"),
  guid: "00000000-0000-0000-0000-000000000000",
  hash: `sha256:${"0".repeat(64)}`,
} as const;

function checkGateway(gateway: string, args: FoundryGatewayArgs): readonly InputProblem[] {
  const account = knownAccount(gateway, args);
  const host = account?.host ?? later.host;
  const sketch = sketchOf(args.gateway ?? defaultConfig(host, later.guid));
  const env = args.env ?? [];
  if (sketch === undefined || env.some(({ value }) => isLater(value))) return [];
  const plan = planGateway(sketch, {
    inbound: inboundPolicies(args.callers, {
      keys: keysOf(args.callers).map(({ name }) => ({ name, hash: later.hash })),
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
