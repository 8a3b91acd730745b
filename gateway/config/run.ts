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
