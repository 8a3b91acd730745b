import type { FoundryGatewayArgs, ServiceArgs } from "./args.ts";
import { checkName } from "./azure-names.ts";
import { checkCallers, keysOf } from "./callers.ts";
import { checkConnection } from "./connection.ts";
import { checkIngress, checkResources, checkScale } from "./container-app.ts";
import { checkEnvironment } from "./environment.ts";
import { checkFoundry } from "./foundry.ts";
import { checkVariables } from "./gateway-variables.ts";
import type { ImageArgs } from "./hosting-args.ts";
import type { InputProblem } from "./invalid-input.ts";
import { groupName } from "./place.ts";
import { checkResourceId } from "./resource-id.ts";
import { checkRole } from "./roles.ts";

/** Every problem of args of the right shape but those of the gateway's configuration. */
export function checkArgs(gateway: string, args: FoundryGatewayArgs): readonly InputProblem[] {
  return [
    ...checkName("gateway", "name", gateway),
    ...checkFoundry(args.foundry),
    ...checkCallers(args.callers),
    ...checkIdentity(args),
    ...checkRoleInput(args.role),
    ...(args.services ?? []).flatMap(checkService),
    ...checkEnvironment(args.environment),
    ...checkIngress(args.ingress),
    ...checkScale(args.scale),
    ...checkResources(args.resources),
    ...checkImage(args),
    ...checkVariables(args.env),
    ...checkConnection(gateway, args.connection, args.foundry, keysOf(args.callers)),
    ...(typeof args.resourceGroup === "string"
      ? checkName("resourceGroup", "resourceGroup", groupName(args.resourceGroup))
      : []),
  ];
}

function checkIdentity({ identity }: FoundryGatewayArgs): readonly InputProblem[] {
  const type = "Microsoft.ManagedIdentity/userAssignedIdentities";
  return typeof identity === "string" ? checkResourceId("identity", identity, type) : [];
}

function checkRoleInput(role: string | undefined): readonly InputProblem[] {
  const message = role === undefined || role === "none" ? undefined : checkRole(role);
  return message === undefined ? [] : [{ input: "role", message: `${message}, or none` }];
}

function checkService({ resourceId, role }: ServiceArgs, index: number): readonly InputProblem[] {
  const input = `services[${index}]`;
  const message = role === undefined ? undefined : checkRole(role);
  return [
    ...(typeof resourceId === "string"
      ? checkResourceId(`${input}.resourceId`, resourceId, undefined)
      : []),
    ...(message === undefined ? [] : [{ input: `${input}.role`, message }]),
  ];
}

function checkImage({ image, bundle }: FoundryGatewayArgs): readonly InputProblem[] {
  const problems: InputProblem[] = [];
  if (image !== undefined && bundle !== undefined) {
    problems.push({
      input: "bundle",
      message: "image and bundle exclude each other: expected one at most",
    });
  }
  const { acrId, pullIdentity } = registryOf(image);
  if (acrId !== undefined && pullIdentity !== undefined) {
    problems.push({
      input: "image.registry",
      message: "acrId grants AcrPull to the gateway's own identity: it excludes pullIdentity",
    });
  }
  if (typeof acrId === "string") {
    problems.push(
      ...checkResourceId("image.registry.acrId", acrId, "Microsoft.ContainerRegistry/registries"),
    );
  }
  return problems;
}

function registryOf(image: ImageArgs | undefined): Partial<NonNullable<ImageArgs["registry"]>> {
  return image?.registry ?? {};
}
