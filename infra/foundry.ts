import type * as pulumi from "@pulumi/pulumi";
import { checkName, checkNames } from "./azure-names.ts";
import type { FoundryArgs } from "./foundry-args.ts";
import { createFoundry } from "./foundry-create.ts";
import { existingFoundry } from "./foundry-existing.ts";
import type { InputProblem } from "./invalid-input.ts";
import type { Place } from "./place.ts";
import { checkResourceId } from "./resource-id.ts";

/** The account the gateway stands in front of, made here or found. */
export type Foundry = {
  readonly accountId: pulumi.Output<string>;
  readonly accountName: pulumi.Output<string>;
  /** Resource group of the account. */
  readonly resourceGroup: pulumi.Output<string>;
  /** `name.services.ai.azure.com`, or `name.openai.azure.com` for an Azure OpenAI account. */
  readonly host: pulumi.Output<string>;
  readonly project: string | undefined;
  /** Whether no model but OpenAI's can be in the account. */
  readonly openAiOnly: pulumi.Output<boolean>;
  /** What must be there before the account can be used through the gateway. */
  readonly ready: readonly pulumi.Resource[];
};

export function checkFoundry({ existing, create }: FoundryArgs): readonly InputProblem[] {
  if (create !== undefined) {
    const names = create.deployments.map(({ name }) => name);
    return [
      ...(create.account === undefined
        ? []
        : checkName("account", "foundry.create.account", create.account)),
      ...(create.project === undefined
        ? []
        : checkName("project", "foundry.create.project", create.project)),
      ...checkNames("deployment", "foundry.create.deployments[*].name", names),
    ];
  }
  if (existing === undefined) return [];
  return [
    ...(typeof existing.accountId === "string"
      ? checkResourceId("foundry.existing.accountId", existing.accountId, accountType)
      : []),
    ...(existing.project === undefined
      ? []
      : checkName("project", "foundry.existing.project", existing.project)),
  ];
}

const accountType = "Microsoft.CognitiveServices/accounts";

/** A project that is made here needs no name of its own; an existing account may have none. */
export function projectName({ existing, create }: FoundryArgs): string | undefined {
  return create === undefined ? existing?.project : (create.project ?? "default");
}

/**
 * The account, found or made.
 * @param named the deployments that routes name: an existing account has to have them
 */
export function foundryOf(
  gateway: string,
  foundry: FoundryArgs,
  named: readonly string[],
  place: Place,
  opts: pulumi.CustomResourceOptions,
): Foundry {
  const { existing, create } = foundry;
  const project = projectName(foundry);
  if (create !== undefined) return createFoundry(gateway, create, project, place, opts);
  if (existing !== undefined) return existingFoundry(gateway, existing, project, named, opts);
  throw new TypeError("foundry has neither existing nor create: checkArgs comes first");
}
