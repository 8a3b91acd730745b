import { createHash, randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { checkNames } from "./azure-names.ts";
import type { CallerKeyArgs, CallersArgs, EntraCallersArgs } from "./callers-args.ts";
import type { InboundPolicies } from "./inbound-checks.ts";
import type { InputProblem } from "./invalid-input.ts";

/** A caller's key as the stack holds it (a secret) and as the gateway knows it (a hash). */
export type CallerKey = {
  readonly name: string;
  readonly value: pulumi.Output<string>;
  /** `sha256:<hex>`; says nothing about a key of this length, so it is not a secret. */
  readonly hash: pulumi.Output<string>;
};

const onlyKey: readonly CallerKeyArgs[] = [{ name: "default" }];
const keyShape = /^[\x21-\x7e]{32,512}$/;
const keyAllowed = "32 to 512 visible ASCII characters";

/** The keys asked for; none when only Entra ID callers, or anyone, may call. */
export function keysOf(callers: CallersArgs | undefined): readonly CallerKeyArgs[] {
  if (callers === undefined) return onlyKey;
  return callers.keys ?? [];
}

export function checkCallers(callers: CallersArgs | undefined): readonly InputProblem[] {
  if (callers === undefined) return [];
  const { keys, entra, anonymous } = callers;
  const checked = keys !== undefined || entra !== undefined;
  const problems: InputProblem[] = [];
  if (anonymous === true && checked) {
    problems.push({
      input: "callers",
      message: "anonymous excludes keys and entra: choose who may call",
    });
  }
  if (anonymous !== true && !checked) {
    problems.push({
      input: "callers",
      message: "expected keys, entra, or anonymous: true for an endpoint open to everyone",
    });
  }
  const names = (keys ?? []).map(({ name }) => name);
  return [
    ...problems,
    ...checkNames("callerKey", "callers.keys[*].name", names),
    ...(keys ?? []).flatMap(({ value }, index) =>
      typeof value === "string" && !keyShape.test(value)
        ? [{ input: `callers.keys[${index}].value`, message: `expected ${keyAllowed}` }]
        : [],
    ),
  ];
}

/**
 * Keys not given are generated here. The stash keeps the first value it ever saw, encrypted in the
 * stack's state; what later runs generate is ignored (docs/decisions/0005).
 */
export function makeCallerKeys(
  gateway: string,
  keys: readonly CallerKeyArgs[],
  opts: pulumi.CustomResourceOptions,
): readonly CallerKey[] {
  return keys.map(({ name, value }) => {
    const key = pulumi.secret(
      value === undefined ? stashed(gateway, name, opts) : known(name, value),
    );
    return { name, value: key, hash: pulumi.unsecret(key.apply(hashOf)) };
  });
}

function stashed(gateway: string, name: string, opts: pulumi.CustomResourceOptions) {
  const fresh = pulumi.secret(randomBytes(32).toString("base64url"));
  const stash = new pulumi.Stash(
    `${gateway}-caller-key-${name}`,
    { input: fresh },
    { ...opts, ignoreChanges: ["input"], additionalSecretOutputs: ["output", "input"] },
  );
  return stash.output.apply((key: string) => key);
}

function known(name: string, value: pulumi.Input<string>): pulumi.Output<string> {
  return pulumi.secret(value).apply((key) => {
    if (!keyShape.test(key))
      throw new pulumi.RunError(`caller key ${name}: expected ${keyAllowed}`);
    return key;
  });
}

function hashOf(key: string): string {
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** What the inbound policies are made of, once it is known. */
export type KnownCallers = {
  readonly keys: readonly { readonly name: string; readonly hash: string }[];
  readonly tenantId: string;
  readonly audiences: readonly string[];
};

/**
 * The policies every route gets: with both, a caller passes with either. Absent when anyone may
 * call.
 */
export function inboundPolicies(
  callers: CallersArgs | undefined,
  { keys, tenantId, audiences }: KnownCallers,
): InboundPolicies | undefined {
  if (callers?.anonymous === true) return undefined;
  return {
    ...(keys.length === 0 ? {} : { apiKey: apiKey(keys) }),
    ...(callers?.entra === undefined
      ? {}
      : { jwtAuth: jwtAuth(callers.entra, tenantId, audiences) }),
  };
}

function apiKey(keys: KnownCallers["keys"]) {
  return {
    mode: "strict",
    keys: keys.map(({ name, hash }) => ({ keyHash: hash, metadata: { name } })),
  };
}

/** The v2.0 tokens of one tenant. */
function jwtAuth(
  { requiredRoles, requiredScopes }: EntraCallersArgs,
  tenantId: string,
  audiences: readonly string[],
) {
  const authority = `https://login.microsoftonline.com/${tenantId}`;
  return {
    mode: "strict",
    issuer: `${authority}/v2.0`,
    audiences,
    jwks: { url: `${authority}/discovery/v2.0/keys` },
    ...(requiredRoles === undefined ? {} : { requiredRoles }),
    ...(requiredScopes === undefined ? {} : { requiredScopes }),
  };
}
