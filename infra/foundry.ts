import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as cognitiveservices from "@pulumi/azure-native/cognitiveservices/index.js";
import { checkName, checkNames } from "./azure-names.ts";
import type { CreateFoundryArgs, ExistingFoundryArgs, FoundryArgs } from "./foundry-args.ts";
import type { InputProblem } from "./invalid-input.ts";
import type { Place } from "./place.ts";
import { checkResourceId, parseResourceId } from "./resource-id.ts";

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

/** Name and subdomain of an account to be made. */
export function accountName(gateway: string, create: CreateFoundryArgs): string {
  if (create.account !== undefined) return create.account;
  const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}/${gateway}`;
  return `${gateway}-${createHash("sha256").update(stack).digest("hex").slice(0, 8)}`;
}

export function accountHost(account: string): string {
  return `${account}.services.ai.azure.com`;
}

/** A project that is made here needs no name of its own; an existing account may have none. */
export function projectName({ existing, create }: FoundryArgs): string | undefined {
  return create === undefined ? existing?.project : (create.project ?? "default");
}

/** The account, found or made. */
export function foundryOf(
  gateway: string,
  foundry: FoundryArgs,
  place: Place,
  opts: pulumi.CustomResourceOptions,
): Foundry {
  const { existing, create } = foundry;
  const project = projectName(foundry);
  if (create !== undefined) return createFoundry(gateway, create, project, place, opts);
  if (existing !== undefined) return existingFoundry(gateway, existing, project, opts);
  throw new TypeError("foundry has neither existing nor create: checkArgs comes first");
}

/** Account, project and deployments, each waiting for the one before: ARM refuses two at a time. */
function createFoundry(
  gateway: string,
  create: CreateFoundryArgs,
  project: string | undefined,
  place: Place,
  opts: pulumi.CustomResourceOptions,
): Foundry {
  const name = accountName(gateway, create);
  const account = new cognitiveservices.Account(
    `${gateway}-foundry`,
    {
      ...place,
      accountName: name,
      kind: "AIServices",
      sku: { name: "S0" },
      identity: { type: "SystemAssigned" },
      properties: {
        allowProjectManagement: true,
        customSubDomainName: name,
        disableLocalAuth: true,
        publicNetworkAccess: "Enabled",
      },
    },
    opts,
  );
  const madeProject = new cognitiveservices.Project(
    `${gateway}-project`,
    {
      ...place,
      accountName: account.name,
      ...(project === undefined ? {} : { projectName: project }),
      identity: { type: "SystemAssigned" },
      properties: {},
    },
    opts,
  );
  const ready: pulumi.Resource[] = [madeProject];
  for (const { name: deployment, model, version, format, sku, capacity } of create.deployments) {
    const previous = ready.at(-1);
    const made = new cognitiveservices.Deployment(
      `${gateway}-deployment-${deployment}`,
      {
        resourceGroupName: place.resourceGroupName,
        accountName: account.name,
        deploymentName: deployment,
        tags: place.tags,
        sku: { name: sku ?? "GlobalStandard", capacity: capacity ?? 10 },
        properties: {
          model: {
            name: model ?? deployment,
            format: format ?? openAi,
            ...(version === undefined ? {} : { version }),
          },
        },
      },
      { ...opts, dependsOn: previous === undefined ? [] : [previous] },
    );
    ready.push(made);
  }
  return {
    accountId: account.id,
    accountName: account.name,
    resourceGroup: pulumi.output(place.resourceGroupName),
    host: pulumi.output(accountHost(name)),
    project,
    openAiOnly: pulumi.output(isOpenAiOnly(create)),
    ready,
  };
}

const openAi = "OpenAI";

export function isOpenAiOnly({ deployments }: CreateFoundryArgs): boolean {
  return deployments.every(({ format }) => (format ?? openAi) === openAi);
}

/** Reads the account; a preview fails when it is not there. */
function existingFoundry(
  gateway: string,
  { accountId }: ExistingFoundryArgs,
  project: string | undefined,
  opts: pulumi.CustomResourceOptions,
): Foundry {
  const account = cognitiveservices.Account.get(`${gateway}-foundry`, accountId, opts);
  const id = pulumi.output(accountId);
  const parsed = id.apply((text) => {
    const found = parseResourceId(text);
    if (found === undefined) throw new pulumi.RunError(`${text} is not the id of an account`);
    return found;
  });
  return {
    accountId: id,
    accountName: parsed.name,
    resourceGroup: parsed.resourceGroup,
    host: pulumi
      .all([account.kind, account.properties])
      .apply(([kind, { endpoint, customSubDomainName }]) =>
        hostOf(kind, endpoint, customSubDomainName),
      ),
    project,
    openAiOnly: account.kind.apply((kind) => kind === "OpenAI"),
    ready: [],
  };
}

/** @param endpoint `https://name.cognitiveservices.azure.com/`, in the domain of the account's cloud */
function hostOf(
  kind: string | undefined,
  endpoint: string | undefined,
  subdomain: string | undefined,
): string {
  const cloud = /\.azure\.(com|us|cn)\/?$/.exec(endpoint ?? "")?.[1];
  if (!subdomain || cloud === undefined) {
    throw new pulumi.RunError(
      `foundry.existing.accountId: the account has no custom subdomain (its endpoint is ${endpoint ?? "not known"}), and Entra ID tokens need one`,
    );
  }
  const face = kind === "OpenAI" ? "openai" : "services.ai";
  return `${subdomain}.${face}.azure.${cloud}`;
}
