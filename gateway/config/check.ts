import type * as z from "zod";
import { type Path, type Problem, formatPath } from "./problem.ts";
import type { Tree } from "./read.ts";
import { soundParts } from "./sound-parts.ts";
import { type CheckedConfig, configSchema } from "./written.ts";
import { isRecord } from "./written/object.ts";

type Issue = z.core.$ZodIssue;

/** A configuration as written, or the sound parts of one, with the places that they have in the file. */
export type Checked = {
  readonly config: CheckedConfig;
  readonly original: (path: Path) => Path;
};

const inPlace = (path: Path): Path => path;

/** Plain values -> config as written; every problem goes to `report`, and what is sound is returned. */
export function check(tree: Tree, report: (problem: Problem) => void): Checked | undefined {
  const first = configSchema.safeParse(tree.value, { error: describe });
  if (first.success) return { config: first.data, original: inPlace };

  const retyped = retype(tree, first.error.issues);
  const result =
    retyped === undefined ? first : configSchema.safeParse(retyped, { error: describe });
  if (result.success) return { config: result.data, original: inPlace };
  const { issues } = result.error;
  for (const issue of issues) explain(issue, [], tree, report);
  const parts = soundParts(retyped ?? tree.value, issues.flatMap(faultsOf));
  const rest = parts === undefined ? undefined : configSchema.safeParse(parts.value);
  if (parts === undefined || rest?.success !== true) return undefined;
  return { config: rest.data, original: parts.original };
}

/** Where the issue is; of unknown keys, each key. */
function faultsOf(issue: Issue): readonly Path[] {
  const path = issue.path.filter((step) => typeof step !== "symbol");
  return issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
}

function explain(issue: Issue, base: Path, tree: Tree, report: (problem: Problem) => void): void {
  const path: Path = [
    ...base,
    ...issue.path.map((step) => (typeof step === "symbol" ? step.toString() : step)),
  ];
  if (tree.environment(path) === "missing") return;
  if (issue.code === "unrecognized_keys") {
    const messages = issue.message.split("\n");
    for (const [index, key] of issue.keys.entries()) {
      const message = messages[index] ?? `unknown key ${key}`;
      report({ ...tree.atKey([...path, key]), path: formatPath(path), message });
    }
    return;
  }
  if (issue.code === "invalid_union") {
    const meant = issue.errors.find((branch) =>
      branch.every((nested) => nested.path.length > 0 || !isWrongType(nested)),
    );
    if (meant !== undefined) {
      for (const nested of meant) explain(nested, path, tree, report);
      return;
    }
  }
  report({ ...tree.at(path), path: formatPath(path), message: issue.message });
}

function isWrongType(issue: Issue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

const nouns: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

/** Values are not repeated: the wrong place for a value may be a secret's. */
function describe(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== "invalid_type") return undefined;
  const wanted = nouns[issue.expected] ?? issue.expected;
  return issue.input === undefined
    ? `required: expected ${wanted}`
    : `expected ${wanted}, got ${noun(issue.input)}`;
}

function noun(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return nouns[typeof value] ?? typeof value;
}

/**
 * An environment variable is text; where the grammar wants a number or a truth value, and the text
 * is one, it is meant as one.
 */
function retype(tree: Tree, issues: readonly Issue[]): unknown {
  let copy: unknown;
  for (const path of wronglyTyped(issues, [])) {
    const last = path.at(-1);
    if (last === undefined || tree.environment(path) !== "expanded") continue;
    copy ??= structuredClone(tree.value);
    const parent = path.slice(0, -1).reduce<unknown>(child, copy);
    const text = child(parent, last);
    const value = typeof text === "string" ? literal(text) : undefined;
    if (value === undefined) continue;
    if (Array.isArray(parent) && typeof last === "number") parent[last] = value;
    else if (isRecord(parent)) parent[String(last)] = value;
  }
  return copy;
}

function* wronglyTyped(issues: readonly Issue[], base: Path): Generator<Path> {
  for (const issue of issues) {
    const path = [...base, ...issue.path.filter((step) => typeof step !== "symbol")];
    if (issue.code === "invalid_type") yield path;
    if (issue.code === "invalid_union")
      for (const branch of issue.errors) yield* wronglyTyped(branch, path);
  }
}

function child(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return value[Number(step)];
  return isRecord(value) ? value[String(step)] : undefined;
}

function literal(text: string): number | boolean | undefined {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text === "true" ? true : text === "false" ? false : undefined;
}
