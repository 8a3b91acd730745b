import type * as pulumi from "@pulumi/pulumi";

/**
 * Who may call. With keys and Entra ID both, a caller passes with either. Left out: one generated
 * key named `default`.
 */
export interface CallersArgs {
  /** Callers known by a key, sent as `Authorization: Bearer`, `api-key`, `x-api-key` or `Ocp-Apim-Subscription-Key`. */
  keys?: CallerKeyArgs[];
  /** Callers known by an Entra ID access token. */
  entra?: EntraCallersArgs;
  /**
   * True: anyone who reaches the endpoint may use the models on your bill. Excludes `keys` and
   * `entra`. Default: false.
   */
  anonymous?: boolean;
}

/** One key. To rotate: add a second key, move the callers over, remove the first. */
export interface CallerKeyArgs {
  /** Told apart in the gateway's log by this name. 1 to 32 lower-case letters, digits and hyphens. */
  name: string;
  /**
   * The key: 32 to 512 visible ASCII characters, treated as a secret. Left out: generated once (256
   * random bits), kept encrypted in the stack's state, read from the output `callerKeys`.
   */
  value?: pulumi.Input<string>;
}

/** Which Entra ID tokens are accepted. v2.0 tokens; issuer, audience, signature and times are checked. */
export interface EntraCallersArgs {
  /** The tenant that issues the tokens. Default: the tenant of the gateway's identity. */
  tenantId?: pulumi.Input<string>;
  /** Accepted `aud` claims: the client id or application id URI of the app registration. At least one. */
  audiences: pulumi.Input<string>[];
  /** App roles of which the token must carry one. Default: none asked for. */
  requiredRoles?: string[];
  /** Delegated scopes of which the token must carry one. Default: none asked for. */
  requiredScopes?: string[];
}
