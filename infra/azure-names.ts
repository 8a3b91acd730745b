import type { InputProblem } from "./invalid-input.ts";

type NameRule = { readonly pattern: RegExp; readonly allowed: string };

/** Azure's naming rules for what this component names, by kind of resource. */
const nameRules = {
  /** Also the stem of every other name: the container app's limit of 32 less Pulumi's suffix. */
  gateway: {
    pattern: /^(?!.*--)[a-z][a-z0-9-]{0,18}[a-z0-9]$/,
    allowed: "2 to 20 lower-case letters, digits and single hyphens, starting with a letter",
  },
  resourceGroup: {
    pattern: /^[\w.()-]{0,89}[\w()-]$/,
    allowed:
      "1 to 90 letters, digits, underscores, hyphens, periods and parentheses, not ending in a period",
  },
  account: {
    pattern: /^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$/,
    allowed:
      "2 to 64 lower-case letters, digits and hyphens, starting and ending with a letter or digit (it is also the account's subdomain)",
  },
  project: {
    pattern: /^[A-Za-z0-9][\w.-]{1,63}$/,
    allowed:
      "2 to 64 letters, digits, periods, underscores and hyphens, starting with a letter or digit",
  },
  deployment: {
    pattern: /^[A-Za-z0-9][\w.-]{1,63}$/,
    allowed:
      "2 to 64 letters, digits, periods, underscores and hyphens, starting with a letter or digit",
  },
  connection: {
    pattern: /^[A-Za-z0-9][\w-]{2,32}$/,
    allowed: "3 to 33 letters, digits, underscores and hyphens, starting with a letter or digit",
  },
  callerKey: {
    pattern: /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
    allowed:
      "1 to 32 lower-case letters, digits and hyphens, starting and ending with a letter or digit",
  },
  environmentVariable: {
    pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
    allowed: "letters, digits and underscores, not starting with a digit",
  },
  ipRange: {
    pattern: /^(\d{1,3}\.){3}\d{1,3}(\/(\d|[12]\d|3[0-2]))?$/,
    allowed: "an IPv4 address or CIDR range such as 203.0.113.0/24",
  },
  domain: {
    pattern: /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
    allowed: "a domain name in lower case such as ai.example.com",
  },
} as const satisfies Record<string, NameRule>;

/** A problem when `name` is not one Azure takes. */
export function checkName(
  kind: keyof typeof nameRules,
  input: string,
  name: string,
): readonly InputProblem[] {
  const rule: NameRule = nameRules[kind];
  if (rule.pattern.test(name)) return [];
  return [
    { input, message: `${JSON.stringify(name)} is not allowed here: expected ${rule.allowed}` },
  ];
}

/**
 * A problem for each name of a list that is not one Azure takes, or stands there a second time.
 * @param input where the name at an index was given, `foundry.create.deployments[*].name`
 */
export function checkNames(
  kind: keyof typeof nameRules,
  input: string,
  names: readonly string[],
): readonly InputProblem[] {
  return names.flatMap((name, index) => {
    const at = input.replace("*", String(index));
    const message = `${JSON.stringify(name)} is given twice`;
    const twice = names.indexOf(name) < index ? [{ input: at, message }] : [];
    return [...checkName(kind, at, name), ...twice];
  });
}
