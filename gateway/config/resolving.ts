import type { PemReader } from "./pem.ts";
import type { Path } from "./problem.ts";
import type { CheckedConfig } from "./written.ts";

/** What resolving needs from outside and reports back. */
export type Resolving = {
  readonly pem: PemReader;
  problem(path: Path, message: string): void;
  warning(path: Path, message: string): void;
};

export type CheckedBind = NonNullable<CheckedConfig["binds"]>[number];
export type CheckedListener = CheckedBind["listeners"][number];
export type CheckedRoute = NonNullable<CheckedListener["routes"]>[number];
export type CheckedPolicies = NonNullable<CheckedRoute["policies"]>;
/** One policy of a route, by its key. */
export type CheckedPolicy<Name extends keyof CheckedPolicies> = NonNullable<CheckedPolicies[Name]>;
export type CheckedBackend = NonNullable<CheckedRoute["backends"]>[number];

export type CheckedLlm = NonNullable<CheckedConfig["llm"]>;
export type CheckedLlmModel = CheckedLlm["models"][number];

/** A policy and where it was found: the innermost level that has it wins, whole. */
export type Found<Policy> = { readonly value: Policy | undefined; readonly path: Path };
