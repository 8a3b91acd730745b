import type * as pulumi from "@pulumi/pulumi";
import { checkNames } from "./azure-names.ts";
import type { EnvironmentVariableArgs } from "./hosting-args.ts";
import type { InputProblem } from "./invalid-input.ts";

/** The variables the component sets, for a configuration to use. */
export type OwnVariables = {
  readonly AZURE_CLIENT_ID: pulumi.Input<string>;
  readonly FOUNDRY_HOST: pulumi.Input<string>;
  /** Absent without a project: a configuration that uses it is then refused. */
  readonly FOUNDRY_PROJECT?: string;
};

/** Changes when what is mounted does. */
export const digestVariable = "GATEWAY_DIGEST";
const ownNames = ["AZURE_CLIENT_ID", "FOUNDRY_HOST", "FOUNDRY_PROJECT", digestVariable];

export function ownVariables<Value>(clientId: Value, host: Value, project: string | undefined) {
  return {
    AZURE_CLIENT_ID: clientId,
    FOUNDRY_HOST: host,
    ...(project === undefined ? {} : { FOUNDRY_PROJECT: project }),
  };
}

/**
 * The variables as a configuration is checked with: a secret's value is not looked at, and the
 * component's own are there.
 */
export function variablesForCheck(
  env: readonly { readonly name: string; readonly value?: unknown }[],
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const given = env.map(({ name, value }) => [name, typeof value === "string" ? value : "secret"]);
  return { ...Object.fromEntries(given), ...own };
}

/** A duplicate name would block the revision without a word from Azure. */
export function checkVariables(
  env: readonly EnvironmentVariableArgs[] = [],
): readonly InputProblem[] {
  const names = env.map(({ name }) => name);
  const taken = names.flatMap((name, index) =>
    ownNames.includes(name) ? [problem(index, name, "is set by the component")] : [],
  );
  return [
    ...checkNames("environmentVariable", "env[*].name", names),
    ...taken,
    ...checkSecretNames(env),
  ];
}

/** Two variables can be one secret in Azure, whose names know fewer characters. */
function checkSecretNames(env: readonly EnvironmentVariableArgs[]): readonly InputProblem[] {
  const secrets = env.map(({ name, secret }) => (secret === undefined ? "" : secretName(name)));
  return env.flatMap(({ name }, index) => {
    const other = env[secrets.indexOf(secrets[index] ?? "")]?.name;
    if (secrets[index] === "" || other === undefined || other === name) return [];
    const message = `gives the same name for a secret as ${JSON.stringify(other)}`;
    return [problem(index, name, message)];
  });
}

function problem(index: number, name: string, message: string): InputProblem {
  return { input: `env[${index}].name`, message: `${JSON.stringify(name)} ${message}` };
}

/** Names of secrets are lower-case letters, digits and hyphens, with a letter or digit at either end. */
export function secretName(variable: string): string {
  return `env-${variable.toLowerCase().replaceAll(/_+/g, "-").replaceAll(/^-|-$/g, "")}`;
}
