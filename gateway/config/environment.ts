/** Environment variables by name; `undefined` and absent are the same. */
export type Environment = Readonly<Record<string, string | undefined>>;

const reference = /\$(?:(\$)|([A-Za-z_]\w*)|\{([^}]*)(\})?)/g;
const braced = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/;

/**
 * Expands `$VAR`, `${VAR}` and `${VAR:-default}` (the default also replaces an empty value, as in
 * the shell); `$$` is a dollar. A dollar before anything else stays, so `^/v1$` is safe.
 * Values are not expanded again.
 *
 * @param complain called with a message for each reference that cannot be resolved
 */
export function expand(
  text: string,
  environment: Environment,
  complain: (message: string) => void,
): string {
  if (!text.includes("$")) return text;
  return text.replace(
    reference,
    (_all: string, dollar?: string, plain?: string, inner?: string, close?: string) => {
      if (dollar !== undefined) return "$";
      if (plain !== undefined) return lookUp(plain, undefined);
      const parts = close === undefined ? null : braced.exec(inner ?? "");
      if (parts === null || parts[1] === undefined) {
        // Not repeated: it may be part of a secret.
        complain("not a reference: write ${NAME}, ${NAME:-default}, or $$ for a dollar");
        return "";
      }
      return lookUp(parts[1], parts[2]);
    },
  );

  function lookUp(name: string, fallback: string | undefined): string {
    // Not what every object inherits, such as `constructor`.
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (fallback !== undefined) return value === undefined || value === "" ? fallback : value;
    if (value === undefined) {
      complain(
        `environment variable ${name} is not set (\${${name}:-default} gives a default, $$ is a dollar)`,
      );
    }
    return value ?? "";
  }
}
