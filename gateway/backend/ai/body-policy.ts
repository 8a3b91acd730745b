import type { AiPolicy, PromptMessage } from "../../config/run/backend.ts";

/** `policies.ai` of a backend, ready to be put into a body. */
export type BodyPolicy = {
  /** JSON texts by member. */
  readonly defaults: ReadonlyMap<string, string>;
  readonly overrides: ReadonlyMap<string, string>;
  /** The model that a caller's name for one stands for; itself where it stands for none. */
  modelFor(requested: string): string;
  readonly prompts: Prompts;
};

export type Prompts = {
  readonly prepend: readonly PromptMessage[];
  readonly append: readonly PromptMessage[];
};

export const untouched: BodyPolicy = {
  defaults: new Map(),
  overrides: new Map(),
  modelFor: (requested) => requested,
  prompts: { prepend: [], append: [] },
};

export function compileBodyPolicy(policy: AiPolicy | undefined): BodyPolicy {
  if (policy === undefined) return untouched;
  const { defaults, overrides, modelAliases, prompts } = policy;
  return {
    defaults: texts(defaults),
    overrides: texts(overrides),
    modelFor: compileAliases(modelAliases),
    prompts,
  };
}

function texts(members: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(members).map(([key, value]) => [key, JSON.stringify(value)]));
}

/** The whole name first, then the longest pattern. */
function compileAliases(aliases: Readonly<Record<string, string>>): (requested: string) => string {
  const exact = new Map(Object.entries(aliases).filter(([name]) => !name.includes("*")));
  const patterns = Object.entries(aliases)
    .filter(([name]) => name.includes("*"))
    .toSorted(([a], [b]) => b.length - a.length);
  return (requested) =>
    exact.get(requested) ??
    patterns.find(([pattern]) => matchesModel(pattern, requested))?.[1] ??
    requested;
}

/** Whether a name fits a pattern, in which each `*` stands for any text. */
export function matchesModel(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, from);
    if (found === -1) return false;
    from = found + part.length;
  }
  return name.length - last.length >= from && name.endsWith(last);
}
