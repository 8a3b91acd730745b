import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type * as inputs from "@pulumi/azure-native/types/input.js";
import type { EnvironmentVariableArgs, ImageArgs } from "./hosting-args.ts";
import { type OwnVariables, digestVariable, secretName } from "./gateway-variables.ts";
import { nodeFlags } from "./node-flags.ts";
import { timings } from "./timings.ts";

/** Microsoft's image with Node.js and nothing of ours: the bundle is mounted into it. */
const nodeImage = "mcr.microsoft.com/azurelinux/base/nodejs:24";
/** Where the app's secrets are mounted as files. */
const mountPath = "/etc/foundry-gateway";
/** Volume names are letters and digits only. */
const volumeName = "gateway";
const bundleFile = { secretRef: "gateway-bundle", path: "gateway.cjs" };
const configFile = { secretRef: "gateway-config", path: "config.yaml" };

/** What is mounted in the container, and what comes with it. */
export type Payload = {
  /** Absent with a prebuilt image. */
  readonly bundle: string | undefined;
  /** The rendered configuration. */
  readonly config: pulumi.Output<string>;
  readonly readinessPort: pulumi.Input<number>;
  readonly own: OwnVariables;
};

type Variables = readonly EnvironmentVariableArgs[];

/** The one container of the app. */
export function gatewayContainer(
  payload: Payload,
  env: Variables,
  image: ImageArgs | undefined,
  resources: inputs.app.ContainerResourcesArgs,
): inputs.app.ContainerArgs {
  const { bundle, own } = payload;
  return {
    name: "gateway",
    image: image?.name ?? nodeImage,
    // A prebuilt image starts the gateway by its entry point.
    ...(bundle === undefined
      ? {}
      : { command: ["node", ...nodeFlags, `${mountPath}/${bundleFile.path}`] }),
    args: ["-f", `${mountPath}/${configFile.path}`, "--drain-timeout", String(timings.drain)],
    env: byName([
      ...Object.entries(own).map(([name, value]) => ({ name, value })),
      { name: digestVariable, value: digest(payload, env) },
      ...env.map(({ name, value, secret }) =>
        secret === undefined ? { name, value: value ?? "" } : { name, secretRef: secretName(name) },
      ),
    ]),
    resources,
    probes: probes(payload.readinessPort),
    volumeMounts: [{ volumeName, mountPath }],
  };
}

/** The files of the volume are listed by name: otherwise every secret of the app would be one. */
export function gatewayVolume({ bundle }: Payload): inputs.app.VolumeArgs {
  const files = bundle === undefined ? [configFile] : [bundleFile, configFile];
  return { name: volumeName, storageType: "Secret", secrets: files };
}

export function gatewaySecrets(
  { bundle, config }: Payload,
  env: Variables,
): inputs.app.SecretArgs[] {
  return byName([
    ...(bundle === undefined ? [] : [{ name: bundleFile.secretRef, value: bundle }]),
    { name: configFile.secretRef, value: config },
    ...env.flatMap(({ name, secret }) =>
      secret === undefined ? [] : [{ name: secretName(name), value: pulumi.secret(secret) }],
    ),
  ]);
}

/**
 * A changed secret makes no new revision and restarts nothing: the digest of what is mounted is part
 * of the template, and that does, exactly when the gateway or a secret changes.
 */
function digest({ bundle, config }: Payload, env: Variables): pulumi.Output<string> {
  const secrets = env.flatMap(({ name, secret }) => (secret === undefined ? [] : [[name, secret]]));
  return pulumi.all([config, secrets]).apply(([text, values]) =>
    createHash("sha256")
      .update(JSON.stringify([bundle ?? "", text, values.toSorted()]))
      .digest("hex")
      .slice(0, 32),
  );
}

/** Azure keeps lists in order, and Pulumi compares them by index. */
function byName<Item extends { readonly name: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

function probes(port: pulumi.Input<number>): inputs.app.ContainerAppProbeArgs[] {
  const httpGet = { path: "/healthz/ready", port, scheme: "HTTP" };
  return [
    {
      type: "Startup",
      httpGet,
      periodSeconds: timings.startupPeriod,
      failureThreshold: timings.startupFailures,
    },
    { type: "Readiness", httpGet, periodSeconds: timings.readinessPeriod, failureThreshold: 2 },
    {
      type: "Liveness",
      tcpSocket: { port },
      periodSeconds: timings.livenessPeriod,
      failureThreshold: 3,
    },
  ];
}
