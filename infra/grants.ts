import * as pulumi from "@pulumi/pulumi";
import type * as managedidentity from "@pulumi/azure-native/managedidentity/index.js";
import type { FoundryGatewayArgs } from "./args.ts";
import type { Foundry } from "./foundry.ts";
import { grant } from "./identity.ts";
import { acrPull, servicesRole } from "./roles.ts";

/**
 * The role assignments of the gateway's identity. The app waits for them: a replica that starts
 * before them would be refused for minutes.
 */
export function grants(
  gateway: string,
  { role, services, image }: FoundryGatewayArgs,
  to: {
    readonly foundry: Foundry;
    readonly identity: managedidentity.UserAssignedIdentity;
    readonly role: pulumi.Input<string>;
  },
  opts: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  const { foundry, identity } = to;
  const granted: pulumi.Resource[] = [];
  if (role !== "none") {
    granted.push(grant(`${gateway}-role`, identity, to.role, foundry.accountId, opts));
  }
  for (const [index, service] of (services ?? []).entries()) {
    const scope = pulumi.output(service.resourceId);
    const name = `${gateway}-role-service-${index}`;
    granted.push(grant(name, identity, service.role ?? servicesRole, scope, opts));
  }
  const acrId = image?.registry?.acrId;
  if (acrId !== undefined) {
    const name = `${gateway}-role-pull`;
    granted.push(grant(name, identity, acrPull, pulumi.output(acrId), opts));
  }
  return granted;
}
