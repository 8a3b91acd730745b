import * as pulumi from "@pulumi/pulumi";
import type { FoundryGatewayArgs } from "./args.ts";
import { keysOf, makeCallerKeys } from "./callers.ts";
import { checkInputs } from "./check-inputs.ts";
import { foundryConnection } from "./connection.ts";
import { containerApp, endpointOf } from "./container-app.ts";
import { containerEnvironment } from "./environment.ts";
import { foundryOf } from "./foundry.ts";
import { ownVariables } from "./gateway-variables.ts";
import { grants } from "./grants.ts";
import { gatewayIdentity } from "./identity.ts";
import { outlinePlan } from "./outline-plan.ts";
import { gatewayPlace } from "./place.ts";
import { resolvePlan } from "./resolve-plan.ts";

export type { FoundryGatewayArgs } from "./args.ts";
export type { GatewayConfigInput } from "./gateway-config-input.ts";
export { InvalidInput } from "./invalid-input.ts";

/** Ids of the user-assigned identity the gateway runs as. */
export interface GatewayIdentity {
  /** What a token request names it by. */
  clientId: string;
  /** What a role is assigned to. */
  principalId: string;
  /** Resource id. */
  resourceId: string;
}

/**
 * A keyless gateway to Azure AI Foundry on Azure Container Apps: app, environment, identity, role
 * assignments, and the Foundry account with its deployments where it is to be made. Wrong inputs
 * throw `InvalidInput` with every problem, before any resource is registered.
 */
export class FoundryGateway extends pulumi.ComponentResource {
  /** The gateway's URL, `https://<app>.<environment domain>`, without a slash at the end. */
  readonly endpoint: pulumi.Output<string>;
  /** What an OpenAI SDK is given as `base_url`. */
  readonly openaiBaseUrl: pulumi.Output<string>;
  /** The first caller key. A secret. Absent when no keys are used. */
  readonly callerKey?: pulumi.Output<string>;
  /** Every caller key by its name. A secret. */
  readonly callerKeys: pulumi.Output<{ [name: string]: string }>;
  /** The identity the gateway runs as. */
  readonly identity: pulumi.Output<GatewayIdentity>;
  /** Name of the container app. */
  readonly containerAppName: pulumi.Output<string>;
  /** Name of the resource group the app is in. */
  readonly resourceGroupName: pulumi.Output<string>;
  /** Resource id of the Container Apps environment, for another gateway to share. */
  readonly environmentId: pulumi.Output<string>;
  /** Resource id of the Foundry account, known when its deployments are there, for another gateway to share. */
  readonly accountId: pulumi.Output<string>;
  /** The Foundry account's URL, `https://<account>.services.ai.azure.com`. */
  readonly foundryEndpoint: pulumi.Output<string>;
  /** The configuration the gateway runs, YAML. A secret when an input of it was. */
  readonly gatewayConfig: pulumi.Output<string>;
  /** The role the identity has on the account, by name or GUID; `none` when it was not granted one. */
  readonly role: pulumi.Output<string>;
  /** Value of the TXT record `asuid.<domain>` that a custom domain needs. */
  readonly domainVerificationId: pulumi.Output<string>;
  /** Shell command that follows the gateway's log. */
  readonly logsCommand: pulumi.Output<string>;

  constructor(name: string, args: FoundryGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    const bundle = checkInputs(name, args);
    super("foundry-gateway:index:FoundryGateway", name, {}, opts);
    const child = { parent: this };

    const place = gatewayPlace(name, args, child);
    const outline = outlinePlan(name, args);
    const foundry = foundryOf(name, args.foundry, outline.deployments, place, child);
    const identity = gatewayIdentity(name, args.identity, place, child);
    const keys = makeCallerKeys(name, keysOf(args.callers), child);
    const own = ownVariables(identity.clientId, foundry.host, foundry.project);
    const plan = resolvePlan(name, args, { foundry, identity, keys, own });
    const role = outline.role ?? plan.role;
    const granted = grants(name, args, { foundry, identity, role }, child);
    const environment = containerEnvironment(name, args.environment, place, child);
    const payload = { bundle, config: plan.text, readinessPort: plan.readinessPort, own };
    const app = containerApp(
      name,
      args,
      { place, environment, identity, port: plan.port, payload },
      { ...child, dependsOn: [...granted, ...foundry.ready] },
    );

    this.endpoint = endpointOf(app, environment, args.ingress);
    this.openaiBaseUrl = pulumi.interpolate`${this.endpoint}${plan.basePath}`;
    foundryConnection(name, args, { foundry, keys, target: this.openaiBaseUrl }, child);

    this.callerKeys = pulumi.all(Object.fromEntries(keys.map((key) => [key.name, key.value])));
    const [first] = keys;
    if (first !== undefined) this.callerKey = first.value;
    this.identity = pulumi.output({
      clientId: identity.clientId,
      principalId: identity.principalId,
      resourceId: identity.id,
    });
    this.containerAppName = app.name;
    this.resourceGroupName = pulumi.output(place.resourceGroupName);
    this.environmentId = environment.id;
    this.accountId = pulumi
      .all([foundry.accountId, pulumi.all(foundry.ready.map(({ urn }) => urn))])
      .apply(([id]) => id);
    this.foundryEndpoint = pulumi.interpolate`https://${foundry.host}`;
    this.gatewayConfig = plan.text;
    this.role = pulumi.output(role);
    this.domainVerificationId = app.customDomainVerificationId;
    this.logsCommand = pulumi.interpolate`az containerapp logs show --follow --name ${app.name} --resource-group ${place.resourceGroupName}`;
    this.registerOutputs(outputsOf(this));
  }
}

/** Registered as the component's outputs, and returned by the program as the stack's. */
export function outputsOf(gateway: FoundryGateway) {
  const { endpoint, openaiBaseUrl, callerKey, callerKeys, identity, containerAppName } = gateway;
  const { resourceGroupName, environmentId, accountId, foundryEndpoint } = gateway;
  const { gatewayConfig, role } = gateway;
  const { domainVerificationId, logsCommand } = gateway;
  return {
    endpoint,
    openaiBaseUrl,
    ...(callerKey === undefined ? {} : { callerKey }),
    callerKeys,
    identity,
    containerAppName,
    resourceGroupName,
    environmentId,
    accountId,
    foundryEndpoint,
    gatewayConfig,
    role,
    domainVerificationId,
    logsCommand,
  };
}
