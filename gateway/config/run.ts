import type { Secret } from "./secret.ts";

/**
 * The configuration as run: defaults applied, files read, policies of the several levels merged,
 * variants tagged. Nothing past this point guesses.
 */
export type Config = {
  /** Where readiness is served; absent when switched off. */
  readonly readiness: Address | undefined;
  readonly limits: Limits;
  readonly binds: readonly Bind[];
};

/** Every interface when `host` is absent. */
export type Address = { readonly host: string | undefined; readonly port: number };

export type Limits = {
  /** Largest request body an AI backend takes, in bytes. */
  readonly requestBody: number;
};

export type Bind = { readonly port: number; readonly listeners: readonly Listener[] };

export type Listener = {
  readonly name: string;
  /** Exact, `*.suffix`, or every host when absent. Lower case. */
  readonly hostname: string | undefined;
  /** Present on HTTPS. */
  readonly tls: ServerTls | undefined;
  readonly routes: readonly Route[];
};

/** PEM texts. */
export type ServerTls = { readonly cert: string; readonly key: Secret };

export type Route = {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly matches: readonly Match[];
  readonly policies: RoutePolicies;
  readonly backends: readonly Backend[];
};

export type Match = {
  readonly path: PathMatch;
  readonly method: string | undefined;
  readonly headers: readonly NamedMatch[];
  readonly query: readonly NamedMatch[];
};

export type PathMatch =
  | { readonly kind: "exact"; readonly value: string }
  /** Without a trailing slash; the empty text is every path. */
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "regex"; readonly value: string };

export type NamedMatch = {
  readonly name: string;
  readonly kind: "exact" | "regex";
  readonly value: string;
};

/** What happens to a request before a backend is chosen; the listener's and the route's, merged. */
export type RoutePolicies = {
  readonly cors: Cors | undefined;
  readonly jwtAuth: JwtAuth | undefined;
  readonly apiKey: ApiKeyAuth | undefined;
  readonly rateLimits: readonly RateLimit[];
  /** Milliseconds an answer may take to begin. */
  readonly timeout: number | undefined;
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: HeaderEdits;
  readonly urlRewrite: UrlRewrite;
  readonly redirect: Redirect | undefined;
  readonly directResponse: DirectResponse | undefined;
};

export type Cors = {
  readonly allowOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  /** Seconds. */
  readonly maxAge: number | undefined;
};

export type Mode = "strict" | "optional" | "permissive";

export type ApiKeyAuth = {
  readonly mode: Mode;
  readonly keys: readonly CallerKey[];
  /** Headers a key may come in, in lower case, with what stands before it. */
  readonly locations: readonly { readonly header: string; readonly prefix: string }[];
};

export type CallerKey = {
  /** SHA-256 of the key, in lower-case hexadecimal. */
  readonly hash: string;
  /** For the log: `metadata.name`, or the place in the list. */
  readonly name: string;
  /** Models the key may be used for; every one when absent. */
  readonly allowedModels: readonly string[] | undefined;
};

export type JwtAuth = {
  readonly mode: Mode;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly jwks:
    | { readonly kind: "url"; readonly url: string }
    /** The JSON text of a JWK Set. */
    | { readonly kind: "inline"; readonly text: string };
  readonly algorithms: readonly string[];
  /** One of these roles or one of these scopes is needed, where either list has any. */
  readonly requiredRoles: readonly string[];
  readonly requiredScopes: readonly string[];
};

export type RateLimit = {
  readonly capacity: number;
  readonly perFill: number;
  /** Milliseconds. */
  readonly interval: number;
  readonly unit: "requests" | "tokens";
  readonly per: "route" | "caller";
};

/** Names in lower case. */
export type HeaderEdits = {
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
};

export type Redirect = {
  readonly status: number;
  readonly scheme: "http" | "https" | undefined;
  readonly authority: AuthorityRewrite;
  readonly path: PathRewrite;
};

export type DirectResponse = { readonly status: number; readonly body: string };

export type UrlRewrite = {
  readonly authority: AuthorityRewrite;
  readonly path: PathRewrite;
};

export type AuthorityRewrite =
  /** The target's host name; the caller's Host for a target given by IP address. */
  | { readonly kind: "auto" }
  | { readonly kind: "none" }
  | { readonly kind: "full" | "host"; readonly value: string }
  | { readonly kind: "port"; readonly value: number };

export type PathRewrite =
  | { readonly kind: "none" }
  | { readonly kind: "full"; readonly value: string }
  | { readonly kind: "prefix"; readonly value: string };

export type Backend = {
  readonly name: string;
  /** Share of the requests among the route's backends; 0 takes none. */
  readonly weight: number;
  readonly target: Target;
  readonly auth: BackendAuth;
  readonly traffic: Traffic;
};

/** What the backend understands. */
export type Traffic =
  | {
      readonly kind: "ai";
      /** Replaces the body's `model`. */
      readonly model: string | undefined;
      /** Replaces path and query. */
      readonly path: string | undefined;
    }
  | { readonly kind: "transparent" };

export type Target = {
  readonly host: string;
  readonly port: number;
  readonly tls: ClientTls | undefined;
};

export type ClientTls = {
  /** Certificates to trust, PEM; the system's when absent. */
  readonly roots: string | undefined;
  readonly client: { readonly cert: string; readonly key: Secret } | undefined;
  /** Name asked for (SNI) and verified; the target's host when absent. */
  readonly serverName: string | undefined;
  readonly verify: "full" | "chain" | "none";
};

export type BackendAuth =
  | { readonly kind: "none" }
  | { readonly kind: "azure"; readonly source: AzureSource; readonly scope: string }
  | {
      readonly kind: "key";
      readonly header: string;
      readonly prefix: string;
      readonly value: Secret;
    }
  | { readonly kind: "passthrough" };

export type AzureSource =
  | {
      readonly kind: "clientSecret";
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: Secret;
    }
  | { readonly kind: "managedIdentity"; readonly identity: ManagedIdentity }
  | { readonly kind: "workloadIdentity" };

export type ManagedIdentity =
  | { readonly kind: "systemAssigned" }
  | { readonly kind: "clientId" | "objectId" | "resourceId"; readonly id: string };
