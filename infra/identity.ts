import * as pulumi from "@pulumi/pulumi";
import * as authorization from "@pulumi/azure-native/authorization/index.js";
import * as managedidentity from "@pulumi/azure-native/managedidentity/index.js";
import { roleId } from "./roles.ts";

/** The user-assigned identity the gateway runs as: a new one, or the one with this resource id. */
export function gatewayIdentity(
  gateway: string,
  id: pulumi.Input<string> | undefined,
  place: managedidentity.UserAssignedIdentityArgs,
  opts: pulumi.CustomResourceOptions,
): managedidentity.UserAssignedIdentity {
  return id === undefined
    ? new managedidentity.UserAssignedIdentity(`${gateway}-identity`, place, opts)
    : managedidentity.UserAssignedIdentity.get(`${gateway}-identity`, id, opts);
}

/**
 * Grants the identity a role on one resource. The type of principal is said, so that Azure does not
 * look up an identity that has not reached every directory server yet.
 */
export function grant(
  resourceName: string,
  identity: managedidentity.UserAssignedIdentity,
  role: pulumi.Input<string>,
  scope: pulumi.Output<string>,
  opts: pulumi.CustomResourceOptions,
): authorization.RoleAssignment {
  return new authorization.RoleAssignment(
    resourceName,
    {
      principalId: identity.principalId,
      principalType: "ServicePrincipal",
      roleDefinitionId: roleDefinitionId(role, scope),
      scope,
    },
    opts,
  );
}

/** Built-in roles stand below every subscription; the one of `scope` is taken. */
function roleDefinitionId(role: pulumi.Input<string>, scope: pulumi.Output<string>) {
  return pulumi.all([role, scope]).apply(([name, id]) => {
    const subscription = /^\/subscriptions\/[^/]+/i.exec(id)?.[0] ?? "";
    return `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${roleId(name)}`;
  });
}
