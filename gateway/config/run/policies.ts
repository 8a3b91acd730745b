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

export type Retry = {
  /** Tries beyond the first; undefined is one for each backend there is. */
  readonly attempts: number | undefined;
  /** Milliseconds before a backend is tried again; doubles each time. */
  readonly backoff: number;
  /** Statuses that another try may mend. */
  readonly codes: readonly number[] | "default";
};
