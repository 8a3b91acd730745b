// Several Foundries behind one route, each with its own model, key and path.
import type { Foundry } from "../../stand-in/foundry.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type WrittenBackend, type WrittenRoute, routes } from "../configuration.ts";
import { chat } from "../caller.ts";

export const question = chat({ messages: [{ role: "user", content: "Hi" }] });
export const streamed = chat({ stream: true, messages: [{ role: "user", content: "Hi" }] });

export type Provider = NonNullable<
  NonNullable<NonNullable<WrittenBackend["ai"]>["groups"]>[number]["providers"]
>[number];

export async function startFoundries(count: number): Promise<readonly Foundry[]> {
  return Promise.all(Array.from({ length: count }, () => startFoundry({ accept: "any" })));
}

/** `b0`, `b1`, ...: a name each. */
export function provider({ port }: Foundry, name: string): Provider {
  return {
    name,
    hostOverride: `localhost:${port}`,
    pathOverride: `/openai/deployments/${name}/chat/completions?api-version=2024-10-21`,
    provider: { openAI: { model: `model-of-${name}` } },
    policies: { backendAuth: { key: `key-of-${name}` } },
  };
}

/** One group for each foundry, in their order: the order of the tries is certain. */
export function inGroups(
  foundries: readonly Foundry[],
  policies: NonNullable<WrittenRoute["policies"]> = {},
): string {
  const groups = foundries.map((foundry, at) => ({ providers: [provider(foundry, `b${at}`)] }));
  return routes({ policies, backends: [{ ai: { groups } }] });
}

/** How many requests each has had. */
export function counts(foundries: readonly Foundry[]): number[] {
  return foundries.map(({ requests }) => requests.length);
}
