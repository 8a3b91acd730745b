import type * as pulumi from "@pulumi/pulumi";
import type { CallersArgs } from "./callers-args.ts";
import type { FoundryArgs } from "./foundry-args.ts";
import type { GatewayConfigInput } from "./gateway-config-input.ts";
import type {
  EnvironmentArgs,
  EnvironmentVariableArgs,
  ImageArgs,
  IngressArgs,
  ResourcesArgs,
  ScaleArgs,
} from "./hosting-args.ts";

/**
 * What a gateway is made from. Everything but `foundry` has a default. What decides which resources
 * there are is plain, so that a preview shows them all; identifiers and values may be outputs of
 * other resources.
 */
export interface FoundryGatewayArgs {
  /** Where the models are. */
  foundry: FoundryArgs;
  /**
   * The gateway's own configuration, in its own format: an object, or YAML text. The inbound checks
   * of `callers` are added to every route that has none. `$AZURE_CLIENT_ID`, `$FOUNDRY_HOST`,
   * `$FOUNDRY_PROJECT` and the variables of `env` can be used in it. One port, HTTP. Left out: one
   * route to the account above, every deployment reachable by its name.
   */
  gateway?: GatewayConfigInput;
  /** Who may call. Default: whoever has the one key generated for this gateway. */
  callers?: CallersArgs;
  /**
   * Resource id of a user-assigned identity to run as,
   * `/subscriptions/.../providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>`.
   * Left out: a new one.
   */
  identity?: pulumi.Input<string>;
  /**
   * Role of the identity on the Foundry account: `Cognitive Services OpenAI User`,
   * `Cognitive Services User`, `Foundry User`, the GUID of another role definition, or `none` where
   * the identity has its roles already. Default: the least of the three that covers the routes.
   */
  role?: string;
  /** Other Azure AI resources the routes use, to each of which the identity is granted a role. */
  services?: ServiceArgs[];
  /** The Container Apps environment. Default: a new one. */
  environment?: EnvironmentArgs;
  /** How the app is reached. Default: from everywhere, over HTTPS. */
  ingress?: IngressArgs;
  /** How many replicas run. Default: 1 to 10. */
  scale?: ScaleArgs;
  /** What one replica gets. Default: 0.5 cores and 1 GiB. */
  resources?: ResourcesArgs;
  /** A prebuilt image. Default: Microsoft's Node.js image with this package's bundle mounted. */
  image?: ImageArgs;
  /**
   * File with the gateway's self-extracting bundle, at most 700,000 bytes. Excludes `image`.
   * Default: the one in this package.
   */
  bundle?: string;
  /** Variables for the gateway's environment. Default: none but the component's own. */
  env?: EnvironmentVariableArgs[];
  /** Registers the gateway in the Foundry project, for agents there. Default: not registered. */
  connection?: ConnectionArgs;
  /** Name or resource id of an existing resource group in the provider's subscription. Left out: a new one. */
  resourceGroup?: pulumi.Input<string>;
  /** Azure region, such as `swedencentral`. Default: the stack's `azure-native:location`, or the existing resource group's. */
  location?: pulumi.Input<string>;
  /** Tags for every resource that takes them. */
  tags?: { [key: string]: pulumi.Input<string> };
}

/** An Azure AI resource besides the Foundry account: Content Safety, Speech, another account. */
export interface ServiceArgs {
  /** Resource id, `/subscriptions/.../providers/Microsoft.CognitiveServices/accounts/<name>`. */
  resourceId: pulumi.Input<string>;
  /** As the component's `role`, without `none`. Default: `Cognitive Services User`. */
  role?: string;
}

/** The gateway as a connection of category ModelGateway in the Foundry project. */
export interface ConnectionArgs {
  /** Name of the connection: 3 to 33 letters, digits, underscores and hyphens. Default: the gateway's name. */
  name?: string;
  /** Name of the caller key the project uses. Default: the first of `callers.keys`. */
  callerKey?: string;
  /** The models to offer. Default: the deployments of `foundry.create`; needed with `foundry.existing`. */
  models?: ConnectionModelArgs[];
}

/** A model as the Foundry project sees it. */
export interface ConnectionModelArgs {
  /** What the gateway is asked for: the deployment's name. */
  name: string;
  /** The model behind it. Default: `name`. */
  model?: string;
  /** Its version. Default: empty. */
  version?: string;
}
