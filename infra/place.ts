import * as pulumi from "@pulumi/pulumi";
import * as resources from "@pulumi/azure-native/resources/index.js";
import type { FoundryGatewayArgs } from "./args.ts";

/** Where everything of one gateway goes. */
export type Place = {
  readonly resourceGroupName: pulumi.Input<string>;
  readonly location: pulumi.Input<string>;
  readonly tags: Record<string, pulumi.Input<string>>;
};

/** A resource group of the gateway's own, or the one that is named. */
export function gatewayPlace(
  gateway: string,
  { resourceGroup, location, tags = {} }: FoundryGatewayArgs,
  { parent }: { parent: pulumi.Resource },
): Place {
  if (resourceGroup !== undefined) {
    const resourceGroupName = pulumi.output(resourceGroup).apply(groupName);
    const existing = () =>
      resources.getResourceGroupOutput({ resourceGroupName }, { parent }).location;
    return { resourceGroupName, location: location ?? existing(), tags };
  }
  const group = new resources.ResourceGroup(
    `${gateway}-group`,
    { tags, ...(location === undefined ? {} : { location }) },
    { parent },
  );
  return { resourceGroupName: group.name, location: group.location, tags };
}

/** A group's name, from its name or its resource id. */
export function groupName(group: string): string {
  return /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/?$/i.exec(group)?.[1] ?? group;
}
