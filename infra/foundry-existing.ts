import * as pulumi from "@pulumi/pulumi";
import * as cognitiveservices from "@pulumi/azure-native/cognitiveservices/index.js";
import type { ExistingFoundryArgs } from "./foundry-args.ts";
import type { Foundry } from "./foundry.ts";
import { parseResourceId } from "./resource-id.ts";

/** Reads the account and the deployments that routes name; a preview fails when one is not there. */
export function existingFoundry(
  gateway: string,
  { accountId }: ExistingFoundryArgs,
  project: string | undefined,
  named: readonly string[],
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
    ready: named.map((name) =>
      cognitiveservices.Deployment.get(
        `${gateway}-deployment-${name}`,
        pulumi.interpolate`${id}/deployments/${name}`,
        opts,
      ),
    ),
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
