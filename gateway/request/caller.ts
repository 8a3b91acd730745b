import type { CallerRecord } from "./access-record.ts";

/** Who sent a request. */
export type Caller = {
  /** Tells callers apart, for their rate limits; one value for all who are unknown. */
  readonly id: string;
  /** Models the caller may use; every one when absent. */
  readonly allowedModels: readonly string[] | undefined;
  readonly record: CallerRecord | undefined;
};

export const unknownCaller: Caller = { id: "", allowedModels: undefined, record: undefined };

/** Whether a caller may use a model; `gpt-5*` in the list stands for all that begin so. */
export function mayUse({ allowedModels }: Caller, model: string): boolean {
  return (
    allowedModels === undefined ||
    allowedModels.some((allowed) =>
      allowed.endsWith("*") ? model.startsWith(allowed.slice(0, -1)) : model === allowed,
    )
  );
}
