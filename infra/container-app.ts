import * as pulumi from "@pulumi/pulumi";
import * as app from "@pulumi/azure-native/app/index.js";
import type * as managedidentity from "@pulumi/azure-native/managedidentity/index.js";
import type * as inputs from "@pulumi/azure-native/types/input.js";
import type { FoundryGatewayArgs } from "./args.ts";
import { checkNames } from "./azure-names.ts";
import {
  type Payload,
  gatewayContainer,
  gatewaySecrets,
  gatewayVolume,
} from "./gateway-container.ts";
import type { IngressArgs, ResourcesArgs, ScaleArgs } from "./hosting-args.ts";
import type { InputProblem } from "./invalid-input.ts";
import type { Place } from "./place.ts";
import { timings } from "./timings.ts";

const defaultScale = { min: 1, max: 10, concurrentRequests: 100 } as const;

export function checkScale(scale: ScaleArgs | undefined): readonly InputProblem[] {
  const { min, max } = { ...defaultScale, ...scale };
  if (min <= max) return [];
  return [
    { input: "scale", message: `min ${min} is over max ${max} (default ${defaultScale.max})` },
  ];
}

export function checkIngress(ingress: IngressArgs | undefined): readonly InputProblem[] {
  const ranges = ingress?.allowedIpRanges ?? [];
  const domains = (ingress?.customDomains ?? []).map(({ name }) => name);
  return [
    ...checkNames("ipRange", "ingress.allowedIpRanges[*]", ranges),
    ...checkNames("domain", "ingress.customDomains[*].name", domains),
  ];
}

/** The consumption plan sells cores and memory in fixed pairs. */
export function checkResources(resources: ResourcesArgs | undefined): readonly InputProblem[] {
  const { cpu, memory } = settleResources(resources);
  const problems: InputProblem[] = [];
  if (!Number.isInteger(cpu * 4) || cpu < 0.25 || cpu > 4) {
    problems.push({ input: "resources.cpu", message: "expected 0.25 to 4 in steps of 0.25" });
  } else if (memory !== `${cpu * 2}Gi`) {
    problems.push({
      input: "resources.memory",
      message: `${JSON.stringify(memory)} does not go with cpu ${cpu}: expected ${cpu * 2}Gi`,
    });
  }
  return problems;
}

function settleResources({ cpu = 0.5, memory }: ResourcesArgs = {}) {
  return { cpu, memory: memory ?? `${cpu * 2}Gi` };
}

/** The app: one container with the gateway, behind an ingress, scaled by requests in flight. */
export function containerApp(
  gateway: string,
  args: FoundryGatewayArgs,
  to: {
    readonly place: Place;
    readonly environment: app.ManagedEnvironment;
    readonly identity: managedidentity.UserAssignedIdentity;
    /** The port the gateway listens on. */
    readonly port: pulumi.Input<number>;
    readonly payload: Payload;
  },
  opts: pulumi.CustomResourceOptions,
): app.ContainerApp {
  const { min, max, concurrentRequests } = { ...defaultScale, ...args.scale };
  const registry = args.image?.registry;
  const env = args.env ?? [];
  const pulling = registry?.pullIdentity;
  const own = to.identity.id;
  return new app.ContainerApp(
    `${gateway}-app`,
    {
      ...to.place,
      environmentId: to.environment.id,
      identity: {
        type: "UserAssigned",
        userAssignedIdentities: pulling === undefined ? [own] : [own, pulling],
      },
      configuration: {
        activeRevisionsMode: "Single",
        ingress: ingressOf(args.ingress, to.port),
        secrets: gatewaySecrets(to.payload, env),
        ...(registry === undefined
          ? {}
          : { registries: [{ server: registry.server, identity: pulling ?? own }] }),
      },
      template: {
        containers: [
          gatewayContainer(to.payload, env, args.image, settleResources(args.resources)),
        ],
        volumes: [gatewayVolume(to.payload)],
        terminationGracePeriodSeconds: timings.terminationGrace,
        scale: {
          minReplicas: min,
          maxReplicas: max,
          rules: [
            {
              name: "requests",
              http: { metadata: { concurrentRequests: String(concurrentRequests) } },
            },
          ],
        },
      },
    },
    opts,
  );
}

/**
 * The app's URL. Not read from the app's ingress: a secret in the app's configuration makes all of
 * the configuration one.
 */
export function endpointOf(
  { name }: app.ContainerApp,
  { defaultDomain }: app.ManagedEnvironment,
  ingress: IngressArgs | undefined,
): pulumi.Output<string> {
  const scope = ingress?.external === false ? ".internal" : "";
  return pulumi.interpolate`https://${name}${scope}.${defaultDomain}`;
}

function ingressOf(
  ingress: IngressArgs | undefined,
  port: pulumi.Input<number>,
): inputs.app.IngressArgs {
  const { external = true, allowedIpRanges, customDomains } = ingress ?? {};
  return {
    external,
    targetPort: port,
    transport: "auto",
    allowInsecure: false,
    ...(allowedIpRanges === undefined
      ? {}
      : {
          ipSecurityRestrictions: allowedIpRanges.map((range, index) => ({
            name: `allowed-${index}`,
            ipAddressRange: range.includes("/") ? range : `${range}/32`,
            action: "Allow",
          })),
        }),
    ...(customDomains === undefined
      ? {}
      : {
          customDomains: customDomains.map(({ name, certificateId }) =>
            certificateId === undefined
              ? { name, bindingType: "Auto" }
              : { name, bindingType: "SniEnabled", certificateId },
          ),
        }),
  };
}
