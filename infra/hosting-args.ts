import type * as pulumi from "@pulumi/pulumi";

/** The Container Apps environment. At most one of `existing` and `create`. Left out: a new one. */
export interface EnvironmentArgs {
  /** Resource id of a managed environment, `/subscriptions/.../providers/Microsoft.App/managedEnvironments/<name>`. */
  existing?: pulumi.Input<string>;
  /** A new environment. */
  create?: CreateEnvironmentArgs;
}

/** A new environment; its logs reach Log Analytics through Azure Monitor, so no workspace key exists. */
export interface CreateEnvironmentArgs {
  /** Resource id of a Log Analytics workspace. Left out: a new one. */
  workspaceId?: pulumi.Input<string>;
  /** Days a new workspace keeps the logs, 30 to 730. Default: 30. Excludes `workspaceId`. */
  logRetentionDays?: number;
  /** Resource id of the subnet for the environment, at least a /27 delegated to Microsoft.App/environments. */
  subnetId?: pulumi.Input<string>;
  /** True: the environment has no public address at all. Needs `subnetId`. Default: false. */
  internal?: boolean;
}

/** How the app is reached. HTTPS always; plain HTTP is redirected. */
export interface IngressArgs {
  /** False: only from within the environment (and its network). Default: true. */
  external?: boolean;
  /** IPv4 addresses and CIDR ranges that may connect; all others are refused. Default: all may. */
  allowedIpRanges?: string[];
  /** Domains of your own. A domain bound by other means and not listed here is removed. */
  customDomains?: CustomDomainArgs[];
}

/** A domain whose DNS records (CNAME, and TXT `asuid.<name>`) point at the app. */
export interface CustomDomainArgs {
  /** The domain, in lower case. */
  name: string;
  /** Resource id of a certificate in the environment. Left out: Azure issues and renews one. */
  certificateId?: pulumi.Input<string>;
}

/** How many replicas run. */
export interface ScaleArgs {
  /** Replicas that always run, 0 to 1000. 0 costs nothing at rest, and the first call waits. Default: 1. */
  min?: number;
  /** Replicas at most, 1 to 1000, not under `min`. Default: 10. */
  max?: number;
  /** Requests in flight per replica before another one starts. A whole number from 1. Default: 100. */
  concurrentRequests?: number;
}

/** What one replica gets. Container Apps' consumption plan wants 2 GiB of memory for each core. */
export interface ResourcesArgs {
  /** Cores: 0.25 to 4 in steps of 0.25. Default: 0.5. */
  cpu?: number;
  /** Memory, such as `1Gi`. Default: twice `cpu`, in Gi. */
  memory?: string;
}

/** A prebuilt image of the gateway instead of the bundle this package carries. */
export interface ImageArgs {
  /** Image with tag or digest, such as `registry.azurecr.io/foundry-gateway:0.1.0`. */
  name: pulumi.Input<string>;
  /** The registry, where it asks who pulls. Left out: the image is public. */
  registry?: ImageRegistryArgs;
}

/** A registry that is pulled from with a managed identity. */
export interface ImageRegistryArgs {
  /** Host name of the registry, such as `registry.azurecr.io`. */
  server: pulumi.Input<string>;
  /** Resource id of the identity that pulls. It needs AcrPull. Default: the gateway's own. */
  pullIdentity?: pulumi.Input<string>;
  /** Resource id of the container registry; the gateway's identity is granted AcrPull on it. */
  acrId?: pulumi.Input<string>;
}

/** A variable of the gateway's environment; the configuration can use it as `$NAME`. */
export interface EnvironmentVariableArgs {
  /** Letters, digits and underscores, not starting with a digit. */
  name: string;
  /** Exactly one of `value` and `secret`. */
  value?: pulumi.Input<string>;
  /** Kept as a secret of the app and of the stack. */
  secret?: pulumi.Input<string>;
}
