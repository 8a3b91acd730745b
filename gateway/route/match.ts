import { RE2JS } from "re2js";
import type { Match, NamedMatch } from "../config/run/match.ts";

/** What a route looks at in a request. */
export type Matchable = {
  readonly method: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
};

/** Holds for everything a match says beyond its exact or prefix path. */
export type Condition = (request: Matchable) => boolean;

/** Compiles method, headers, query, and a path given by pattern; undefined when there is nothing to check. */
export function compileConditions(match: Match): Condition | undefined {
  const conditions: Condition[] = [];
  const { method } = match;
  if (method !== undefined) conditions.push((request) => request.method === method);
  if (match.path.kind === "regex") {
    const matches = wholly(match.path.value);
    conditions.push(({ path }) => matches(path));
  }
  for (const header of match.headers) {
    const holds = compileValue(header);
    conditions.push(({ headers }) => {
      const value = Object.hasOwn(headers, header.name) ? headers[header.name] : undefined;
      return value !== undefined && holds(Array.isArray(value) ? value.join(", ") : value);
    });
  }
  if (match.query.length > 0) conditions.push(compileQuery(match.query));
  if (conditions.length === 0) return undefined;
  return (request) => conditions.every((holds) => holds(request));
}

function compileQuery(wanted: readonly NamedMatch[]): Condition {
  const compiled = wanted.map((each) => ({ name: each.name, holds: compileValue(each) }));
  return ({ query }) => {
    const given = new URLSearchParams(query);
    return compiled.every(({ name, holds }) => {
      const value = given.get(name);
      return value !== null && holds(value);
    });
  };
}

function compileValue({ kind, value }: NamedMatch): (text: string) => boolean {
  return kind === "exact" ? (text) => text === value : wholly(value);
}

/** A pattern must match the whole text. */
function wholly(pattern: string): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.testExact(text);
}
