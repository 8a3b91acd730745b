// A Foundry that takes Entra tokens only and the identity endpoint that issues them, both on a clock
// that the test moves. The endpoint goes into the environment of the process: once for each file.
import { setTimeout as pause } from "node:timers/promises";
import { type Foundry, startFoundry } from "../../../stand-in/foundry.ts";
import {
  type IdentityEndpoint,
  startIdentityEndpoint,
} from "../../../stand-in/identity-endpoint.ts";
import { type Tokens, createTokens } from "../../../stand-in/tokens.ts";
import { type Call, type Reply, call, chat } from "../../caller.ts";
import { model, routes, systemAssigned } from "../../configuration.ts";
import { type FakeClock, createFakeClock } from "./fake-clock.ts";

export type Keyless = {
  readonly clock: FakeClock;
  readonly tokens: Tokens;
  readonly foundry: Foundry;
  readonly identity: IdentityEndpoint;
  /** One route to the Foundry, with the system-assigned identity. */
  readonly config: string;
  reset(): Promise<void>;
  close(): Promise<void>;
};

export const question: Call = chat({ messages: [{ role: "user", content: "Hi" }] });

/** `lifetimeSeconds` of the tokens. */
export async function startKeyless(lifetimeSeconds = 3_600): Promise<Keyless> {
  // The SDK reckons expiries against the real clock.
  const clock = createFakeClock(Date.now());
  const tokens = createTokens(clock.now);
  const foundry = await startFoundry({ tokens });
  const identity = await startIdentityEndpoint({
    tokens,
    systemAssigned: { name: "system", clientId: "c", objectId: "o" },
    userAssigned: [{ name: "user", clientId: "user-client", objectId: "user-object" }],
    lifetimeSeconds,
  });
  Object.assign(process.env, identity.environment);
  return {
    clock,
    tokens,
    foundry,
    identity,
    config: routes({
      backends: [model(`localhost:${foundry.port}`)],
      policies: { backendAuth: { azure: { ...systemAssigned.azure, scope } } },
    }),
    async reset() {
      foundry.reset();
      identity.reset();
      await identity.acceptConnections();
    },
    async close() {
      await foundry.close();
      await identity.close();
    },
  };
}

export const scope = "https://ai.azure.com/.default";

/** Turns of the real event loop, until it is so; the test's own timeout ends the waiting. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(2);
}

/** Of the broker, in milliseconds: while its timer runs, a call is under way. */
const callLimit = 15_000;

/** Renewal at 54 % of a token's life. Half would make the longest back-off as long as a call's limit. */
export const chance = (): number => 0.4;

/** Until no call for a token is under way. */
export async function quiet(clock: FakeClock): Promise<void> {
  await until(() => clock.timers(callLimit) === 0);
}

/** Asks while time passes, half a second at a time, until there is an answer. */
export async function askWhilePassing(
  origin: string,
  clock: FakeClock,
  asked: Call = question,
): Promise<Reply> {
  const progress = { over: false };
  const answer = call(origin, asked).finally(() => void (progress.over = true));
  while (!progress.over) {
    await quiet(clock);
    await clock.pass(500);
    await pause(1);
  }
  return answer;
}
