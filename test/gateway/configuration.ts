// Configurations small enough to be read in a test, typed by the gateway's own grammar.
import type { WrittenConfig } from "../../gateway/config/written.ts";

export type WrittenRoute = NonNullable<
  NonNullable<WrittenConfig["binds"]>[number]["listeners"][number]["routes"]
>[number];
export type WrittenBackend = NonNullable<WrittenRoute["backends"]>[number];
type WrittenAi = NonNullable<WrittenBackend["ai"]>;

/** One bind with these routes; the gateway's YAML parser reads JSON as well. */
export function routes(...list: readonly WrittenRoute[]): string {
  return configuration({ binds: [{ port: 3000, listeners: [{ routes: [...list] }] }] });
}

export function configuration(config: WrittenConfig): string {
  return JSON.stringify(config);
}

/** A model behind `authority`, in plain HTTP unless the port is 443 or the policies say otherwise. */
export function model(authority: string, change: Partial<WrittenAi> = {}): WrittenBackend {
  return {
    ai: {
      name: "foundry",
      hostOverride: authority,
      provider: { openAI: { model: "gpt-5-mini" } },
      ...change,
    },
  };
}

export const systemAssigned = {
  azure: { explicitConfig: { managedIdentity: {} } },
} as const;
