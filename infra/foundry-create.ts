import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as cognitiveservices from "@pulumi/azure-native/cognitiveservices/index.js";
import type { CreateFoundryArgs } from "./foundry-args.ts";
import type { Foundry } from "./foundry.ts";
import type { Place } from "./place.ts";

/** Name and subdomain of an account to be made. */
export function accountName(gateway: string, create: CreateFoundryArgs): string {
  if (create.account !== undefined) return create.account;
  const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}/${gateway}`;
  return `${gateway}-${createHash("sha256").update(stack).digest("hex").slice(0, 8)}`;
}

export function accountHost(account: string): string {
  return `${account}.services.ai.azure.com`;
}

/** Account, project and deployments, each waiting for the one before: ARM refuses two at a time. */
export function createFoundry(
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
