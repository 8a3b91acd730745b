import type { Secret } from "./secret.ts";
import type { Retry, RoutePolicies } from "./run/policies.ts";
import type { Match } from "./run/match.ts";
import type { Backend } from "./run/backend.ts";

/**
 * The configuration as run: defaults applied, files read, policies of the several levels merged,
 * variants tagged. Nothing past this point guesses.
 */
export type Config = {
  /** Where readiness is served; absent when switched off. */
  readonly readiness: Address | undefined;
  readonly limits: Limits;
  /** Undefined: the scheme of the connection, and the host that the caller asked for. */
  readonly publicOrigin: PublicOrigin | undefined;
  readonly binds: readonly Bind[];
};

/** How the URLs begin by which callers reach the gateway, where that is not what the gateway sees. */
export type PublicOrigin =
  /** HTTPS, and the host that the caller asked for: TLS ends in front of the gateway. */
  | { readonly kind: "secured" }
  /** `authority`: host, with its port unless it is the scheme's own. */
  | {
      readonly kind: "fixed";
      readonly scheme: "http" | "https";
      readonly authority: string;
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
