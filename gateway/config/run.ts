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
  readonly retry: Retry;
  readonly backends: readonly Backend[];
};

export type Retry = {
  /** Tries beyond the first; undefined is one for each backend there is. */
  readonly attempts: number | undefined;
  /** Milliseconds before a backend is tried again; doubles each time. */
  readonly backoff: number;
  /** Statuses that another try may mend. */
  readonly codes: readonly number[] | "default";
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
  readonly timeouts: RouteTimeouts;
  /** Milliseconds of silence after which a stream gets a comment, to keep its connection. */
  readonly streamKeepAlive: number | undefined;
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: HeaderEdits;
  readonly urlRewrite: UrlRewrite;
  readonly redirect: Redirect | undefined;
  readonly directResponse: DirectResponse | undefined;
};

/** Milliseconds. */
export type RouteTimeouts = {
  /** Until the answer begins, over all tries. */
  readonly request: number | undefined;
  /** Until the answer has ended. */
  readonly total: number | undefined;
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
  /** The entry of the config's list that this is, or is a part of. */
  readonly pool: number;
  /** Share of the requests among the route's pools; 0 takes none. */
  readonly poolWeight: number;
  /** Place of its group within the pool: 0 is used as long as one of it can be. */
  readonly group: number;
  /** Share of the requests among its group. */
  readonly weight: number;
  readonly target: Target;
  readonly auth: BackendAuth;
  readonly traffic: Traffic;
  readonly timeouts: PhaseTimeouts;
  readonly eviction: Eviction;
};

/** Milliseconds; undefined is the gateway's default. */
export type PhaseTimeouts = {
  readonly connect: number | undefined;
  readonly firstByte: number | undefined;
  readonly idle: number | undefined;
};

/** A backend that fails so often in a row gets no requests for so long. */
export type Eviction = {
  readonly consecutiveFailures: number;
  /** Milliseconds. */
  readonly duration: number;
};

/** What the backend understands. */
export type Traffic = ModelTraffic | TransparentTraffic;

export type ModelTraffic = {
  readonly kind: "ai";
  /** Replaces the body's `model`. */
  readonly model: string | undefined;
  readonly endpoint: Endpoint;
  /** The requests this backend is for, where a route chooses by the model; every one when absent. */
  readonly serves: ModelMatch | undefined;
  /** What is done to the body; nothing when absent. */
  readonly policy: AiPolicy | undefined;
};

/** How the path sent to a model is made. */
export type Endpoint =
  /** The caller's own path and query. */
  | { readonly kind: "caller" }
  /** Always this path and query. */
  | { readonly kind: "fixed"; readonly path: string }
  /** `{prefix}/chat/completions`, and so on. */
  | { readonly kind: "prefix"; readonly prefix: string }
  /** An Azure OpenAI resource; `version` is v1, preview or a date. */
  | { readonly kind: "azureOpenAI"; readonly version: string }
  | { readonly kind: "foundry"; readonly project: string; readonly version: "v1" };

/** A model's name, or the part of it before or after a `*`; the headers must match as well. */
export type ModelMatch = {
  readonly name: string;
  /** One of these lists, where there are any. */
  readonly headers: readonly (readonly NamedMatch[])[];
};

export type AiPolicy = {
  /** Members put into a body that lacks them, and members put in whatever the body says. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly overrides: Readonly<Record<string, unknown>>;
  /** A caller's name for a model, with `*` for any part of it, and the name it stands for. */
  readonly modelAliases: Readonly<Record<string, string>>;
  readonly prompts: {
    readonly prepend: readonly PromptMessage[];
    readonly append: readonly PromptMessage[];
  };
  /** What a path that ends so means; `*` is every path. The longest first. */
  readonly routes: readonly (readonly [suffix: string, format: RouteFormat])[];
};

export type PromptMessage = { readonly role: string; readonly content: string };

export type RouteFormat =
  | "completions"
  | "responses"
  | "embeddings"
  | "messages"
  | "anthropicTokenCount"
  | "models"
  | "realtime"
  | "passthrough";

export type TransparentTraffic = { readonly kind: "transparent" };

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
  | { readonly kind: "workloadIdentity" }
  /** The first that is there: environment secret, workload identity, managed identity, developer's. */
  | { readonly kind: "implicit" }
  /** The login of az or azd. */
  | { readonly kind: "developerImplicit" };

export type ManagedIdentity =
  | { readonly kind: "systemAssigned" }
  | { readonly kind: "clientId" | "objectId" | "resourceId"; readonly id: string };
