import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { type Path, type Problem, formatPath } from "../gateway/config/problem.ts";
import { isRecord } from "../gateway/config/written/object.ts";
import { isLater } from "./args-shape.ts";
import type { InputProblem } from "./invalid-input.ts";

/** The gateway's configuration as it was given: text has positions, an object has not. */
export type ConfigSource = { readonly text: string; readonly positions: boolean };

/** What is known of a configuration before any output is: the rest stands as `later`. */
export type Sketch = ConfigSource & { readonly later: readonly Path[] };

/** Stands in a sketch for a value that is not known yet. No problem at its place is reported. */
export const unknownValue = "known-later";

/** The sketch of `given`; nothing when all of it is an output. */
export function sketchOf(given: unknown): Sketch | undefined {
  if (isLater(given)) return undefined;
  if (typeof given === "string") return { text: given, positions: true, later: [] };
  const paths: Path[] = [];
  const value = outline(given, [], paths);
  return { text: stringify(value, { lineWidth: 0 }), positions: false, later: paths };
}

/** The same once everything is known. */
export function sourceOf(given: unknown): pulumi.Output<ConfigSource> {
  const resolved: pulumi.Output<unknown> = pulumi.all([given]).apply(([value]): unknown => value);
  return resolved.apply((value) =>
    typeof value === "string"
      ? { text: value, positions: true }
      : { text: stringify(value, { lineWidth: 0 }), positions: false },
  );
}

function outline(value: unknown, path: Path, paths: Path[]): unknown {
  if (isLater(value)) {
    paths.push(path);
    return unknownValue;
  }
  if (Array.isArray(value))
    return value.map((item, index) => outline(item, [...path, index], paths));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, outline(item, [...path, key], paths)]),
  );
}

/** The gateway's own words about a configuration, as problems of the input `gateway`. */
export function asInputProblems(
  problems: readonly Problem[],
  source: ConfigSource,
  unknown: readonly Path[],
): readonly InputProblem[] {
  const places = unknown.map(formatPath);
  return problems
    .filter(({ path }) => !places.some((place) => path === place || within(path, place)))
    .map((problem) => (source.positions ? inText(problem) : inObject(problem)));
}

/** Reads as `formatProblem` prints it: `gateway:line:column: path: message`. */
function inText({ line, column, path, message }: Problem): InputProblem {
  return {
    input: `gateway:${line}:${column}`,
    message: path === "" ? message : `${path}: ${message}`,
  };
}

function inObject({ path, message }: Problem): InputProblem {
  return { input: path === "" ? "gateway" : `gateway.${path}`, message };
}

function within(path: string, place: string): boolean {
  return path.startsWith(`${place}.`) || path.startsWith(`${place}[`);
}
