import type * as pulumi from "@pulumi/pulumi";

/** Where the models are. Exactly one of `existing` and `create`. */
export interface FoundryArgs {
  /** An account that is there already. The component reads it and leaves it as it is. */
  existing?: ExistingFoundryArgs;
  /** A Foundry account of the gateway's own, with a project and model deployments. */
  create?: CreateFoundryArgs;
}

/** A Foundry (AIServices) or Azure OpenAI account. */
export interface ExistingFoundryArgs {
  /**
   * Resource id, `/subscriptions/.../providers/Microsoft.CognitiveServices/accounts/<name>`. The
   * account needs a custom subdomain: Entra ID tokens are not taken on regional endpoints.
   */
  accountId: pulumi.Input<string>;
  /** Name of a project in that account. Needed for `connection`. */
  project?: string;
}

/** An account of kind AIServices, S0, with local (key) authentication disabled. */
export interface CreateFoundryArgs {
  /**
   * Name and custom subdomain of the account, unique in all of Azure: 2 to 64 lower-case letters,
   * digits and hyphens. Left out: the gateway's name and eight hexadecimal digits derived from
   * organization, project and stack, the same on every run.
   */
  account?: string;
  /** Name of the project in the account. Default: `default`. */
  project?: string;
  /** The models to deploy, at least one; created one after another, in this order. */
  deployments: DeploymentArgs[];
}

/** One model deployment. Callers ask for it by `name`. */
export interface DeploymentArgs {
  /** 2 to 64 letters, digits, periods, underscores and hyphens. */
  name: string;
  /** The model's name in the catalogue, such as `gpt-5-mini`. Default: `name`. */
  model?: string;
  /** The model's version, such as `2025-08-07`. Left out, Azure takes its default and updates it. */
  version?: string;
  /** Publisher of the model as Azure spells it, such as `OpenAI` or `DeepSeek`. Default: `OpenAI`. */
  format?: string;
  /** `GlobalStandard`, `DataZoneStandard`, `Standard`, `ProvisionedManaged`, ... Default: `GlobalStandard`. */
  sku?: pulumi.Input<string>;
  /** Thousands of tokens per minute, or provisioned units. A whole number. Default: 10. */
  capacity?: pulumi.Input<number>;
}
