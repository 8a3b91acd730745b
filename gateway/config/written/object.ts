import { closest, distance } from "fastest-levenshtein";
import * as z from "zod";

// A configuration is checked once: code made for each object would cost more than it saves.
z.config({ jitless: true });

/**
 * An object whose keys are all known. A key of agentgateway's that this gateway does not have is
 * told apart from a typo: `elsewhere` lists them.
 */
export function object<Shape extends z.ZodRawShape>(
  shape: Shape,
  elsewhere: readonly string[] = [],
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    // One line for each key, in the order of `issue.keys`.
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => unknownKey(key, known, elsewhere)).join("\n")
        : undefined,
  });
}

/** An object of which exactly one of the given keys is present; other keys are free. */
export function oneOf<Shape extends z.ZodRawShape>(
  shape: Shape,
  alternatives: readonly (keyof Shape & string)[],
  elsewhere: readonly string[] = [],
): z.ZodObject<Shape, z.core.$strict> {
  return object(shape, elsewhere)
    .refine((value) => present(value, alternatives).length === 1, {
      when: ({ value, issues }) =>
        isRecord(value) && !issues.some((issue) => isElsewhere(issue, elsewhere)),
      error: ({ input }) => {
        const found = present(input, alternatives);
        return found.length === 0
          ? `expected one of ${alternatives.join(", ")}`
          : `${found.join(" and ")} exclude each other: expected exactly one of ${alternatives.join(", ")}`;
      },
    })
    .meta({ oneOf: alternatives.map((key) => ({ required: [key] })) });
}

/** A choice that agentgateway has and we do not is reported once, as unsupported. */
function isElsewhere(issue: z.core.$ZodRawIssue, elsewhere: readonly string[]): boolean {
  return (
    issue.code === "unrecognized_keys" && issue.keys.some((key: string) => elsewhere.includes(key))
  );
}

/** `{}`, or the key written with nothing behind it. */
export function empty() {
  return object({}).nullable();
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function present(value: unknown, keys: readonly string[]): string[] {
  return isRecord(value) ? keys.filter((key) => value[key] !== undefined) : [];
}

function unknownKey(key: string, known: readonly string[], elsewhere: readonly string[]): string {
  if (elsewhere.includes(key)) return `${key} is known to agentgateway, not supported here`;
  if (known.length === 0) return `unknown key ${key}: none is allowed here`;
  const nearest = known.find((name) => plain(name) === plain(key)) ?? closest(key, [...known]);
  const near =
    plain(nearest) === plain(key) || distance(key, nearest) <= Math.max(2, key.length / 3);
  return near
    ? `unknown key ${key}: did you mean ${nearest}?`
    : `unknown key ${key}: expected one of ${known.join(", ")}`;
}

/** Spelling without case and separators, so that `client_id` finds `clientId`. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}
