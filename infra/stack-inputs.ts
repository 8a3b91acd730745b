import * as pulumi from "@pulumi/pulumi";
import { isRecord } from "../gateway/config/written/object.ts";
import type { FoundryGatewayArgs } from "./args.ts";
import { parseArgs } from "./args-shape.ts";
import { InvalidInput } from "./invalid-input.ts";

/** Inputs that can hold a secret value in the stack's configuration. */
const mayBeSecret = ["callers", "env", "gateway"];

/**
 * The stack's configuration as the component's args, key for key.
 * @param config every key of the stack, `project:key`, as text
 * @param secretKeys the keys of it that hold a secret anywhere
 */
export function stackInputs(
  gateway: string,
  project: string,
  config: Readonly<Record<string, string>>,
  secretKeys: readonly string[],
): FoundryGatewayArgs {
  const given = Object.entries(config)
    .filter(([key]) => key.startsWith(`${project}:`) && key !== `${project}:name`)
    .map(
      ([key, text]) =>
        [key.slice(project.length + 1), read(text), secretKeys.includes(key)] as const,
    );
  const refused = given.filter(([key, , secret]) => secret && !mayBeSecret.includes(key));
  const args = Object.fromEntries(
    given.map(([key, value, secret]) => [key, secret ? asSecret(key, value) : value]),
  );
  if (refused.length > 0) {
    const message = `is a secret in the stack's configuration: only ${mayBeSecret.join(", ")} can hold one`;
    throw new InvalidInput(
      gateway,
      refused.map(([input]) => ({ input, message })),
    );
  }
  return parseArgs(gateway, args);
}

/** Maps and lists come as JSON; text that is not one stays text. */
function read(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Pulumi says which key holds a secret, not where in it: every value that may be one is taken as one. */
function asSecret(key: string, value: unknown): unknown {
  if (key === "gateway")
    return pulumi.secret(typeof value === "string" ? value : JSON.stringify(value));
  return secretValues(value);
}

function secretValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(secretValues);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) =>
      (key === "value" || key === "secret") && typeof item === "string"
        ? [key, pulumi.secret(item)]
        : [key, secretValues(item)],
    ),
  );
}
