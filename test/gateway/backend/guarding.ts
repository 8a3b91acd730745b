// A route whose prompts and answers are checked: the real gateway between a Foundry, a Content Safety
// that takes Entra tokens only, and the identity endpoint that issues them. The endpoint goes into the
// environment of the process: once for each file.
import { type ContentSafety, startContentSafety } from "../../stand-in/content-safety.ts";
import { type Foundry, startFoundry } from "../../stand-in/foundry.ts";
import { type IdentityEndpoint, startIdentityEndpoint } from "../../stand-in/identity-endpoint.ts";
import { type Tokens, createTokens } from "../../stand-in/tokens.ts";
import { type WrittenRoute, model, routes, systemAssigned } from "../configuration.ts";
import type { RunningGateway } from "../running-gateway.ts";

type WrittenAi = NonNullable<NonNullable<WrittenRoute["policies"]>["ai"]>;
export type WrittenPromptGuard = NonNullable<WrittenAi["promptGuard"]>;
export type WrittenGuard = NonNullable<WrittenPromptGuard["request"]>[number];
type WrittenContentSafety = NonNullable<WrittenGuard["azureContentSafety"]>;

export type Guarding = {
  readonly tokens: Tokens;
  readonly foundry: Foundry;
  readonly safety: ContentSafety;
  readonly identity: IdentityEndpoint;
  /** One that analyzes texts unless told otherwise, with the system-assigned identity. */
  guard(
    change?: Partial<WrittenContentSafety>,
    rejection?: WrittenGuard["rejection"],
  ): WrittenGuard;
  /** One route to the Foundry with these guards. */
  config(promptGuard: WrittenPromptGuard, change?: Partial<WrittenRoute>): string;
  reset(): void;
  close(): Promise<void>;
};

export const blocklists = { products: ["Project Falcon"], names: ["Ann"] };

export async function startGuarding(): Promise<Guarding> {
  const tokens = createTokens();
  const foundry = await startFoundry({ accept: "any" });
  const safety = await startContentSafety({ tokens, apiKeys: ["safety-key"], blocklists });
  const identity = await startIdentityEndpoint({
    tokens,
    systemAssigned: { name: "system", clientId: "c", objectId: "o" },
  });
  Object.assign(process.env, identity.environment);
  return {
    tokens,
    foundry,
    safety,
    identity,
    guard: (change = { analyzeText: {} }, rejection) => ({
      azureContentSafety: {
        endpoint: `http://localhost:${safety.port}`,
        policies: { backendAuth: systemAssigned },
        ...change,
      },
      ...(rejection === undefined ? {} : { rejection }),
    }),
    config: (promptGuard, { policies, ...change } = {}) =>
      routes({
        backends: [model(`localhost:${foundry.port}`)],
        policies: { backendAuth: { key: "any" }, ai: { promptGuard }, ...policies },
        ...change,
      }),
    reset() {
      foundry.reset();
      safety.reset();
      identity.reset();
    },
    async close() {
      await foundry.close();
      await safety.close();
      await identity.close();
    },
  };
}

/** What the guards said, as the access log has it. */
export async function guardsOf(
  { accessLog }: RunningGateway,
  count = 1,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const line = (await accessLog(count)).at(-1);
  const said = line?.["promptGuard"];
  return typeof said === "object" && said !== null ? { ...said } : undefined;
}
