// What a fault is tried on: two Foundries, the first preferred, an identity endpoint, and a gateway in
// a process of its own.
import { Agent } from "node:http";
import { type Foundry, startFoundry } from "../stand-in/foundry.ts";
import { type IdentityEndpoint, startIdentityEndpoint } from "../stand-in/identity-endpoint.ts";
import { createTokens } from "../stand-in/tokens.ts";
import { type Call, type Reply, call } from "../gateway/caller.ts";
import { type WrittenBackend, type WrittenRoute, routes } from "../gateway/configuration.ts";
import { type HostedGateway, hostGateway } from "./hosted-gateway.ts";

export type Lab = {
  readonly first: Foundry;
  readonly second: Foundry;
  readonly identity: IdentityEndpoint;
  /** Started by the fault, stopped by the runner. */
  gateway(yaml: string): Promise<HostedGateway>;
};

/** One line of the table. */
export type Finding = {
  readonly sees: string;
  readonly lost: string;
  readonly figure: string;
};

export type Fault = {
  readonly name: string;
  readonly find: (lab: Lab) => Promise<Finding>;
};

export async function withLab<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  const tokens = createTokens();
  const [first, second, identity] = await Promise.all([
    startFoundry({ accept: "any", tokens }),
    startFoundry({ accept: "any", tokens }),
    startIdentityEndpoint({
      tokens,
      systemAssigned: { name: "gateway", clientId: "c", objectId: "o" },
    }),
  ]);
  const gateways: HostedGateway[] = [];
  try {
    return await work({
      first,
      second,
      identity,
      async gateway(yaml) {
        const started = await hostGateway(yaml, identity.environment);
        gateways.push(started);
        return started;
      },
    });
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await Promise.all([first, second, identity].map((each) => each.close()));
  }
}

type Ai = NonNullable<WrittenBackend["ai"]>;
export type Provider = NonNullable<Ai["groups"]>[number]["providers"][number];

export function provider(
  authority: string,
  name: string,
  change: Partial<Provider> = {},
): Provider {
  return {
    name,
    hostOverride: authority,
    provider: { openAI: { model: "gpt-5-mini" } },
    policies: { backendAuth: { key: "any" } },
    ...change,
  };
}

/** The first as long as it can be, then the second. */
export function firstThenSecond(
  first: Provider,
  second: Provider,
  policies: NonNullable<WrittenRoute["policies"]> = {},
): string {
  const groups = [{ providers: [first] }, { providers: [second] }];
  return routes({ policies, backends: [{ ai: { groups } }] });
}

export function at({ port }: Foundry): string {
  return `localhost:${port}`;
}

const body = { messages: [{ role: "user", content: "Hi" }] };
export const whole: Call = ask(body);
export const streamed: Call = ask({ ...body, stream: true });

function ask(value: unknown): Call {
  return {
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  };
}

export type Tally = { readonly ok: number; readonly failed: number; readonly replies: Reply[] };

/** So many requests, so many at a time. */
export async function load(
  origin: string,
  asked: Call | ((turn: number) => Call),
  total: number,
  atOnce: number,
): Promise<Tally> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const replies: Reply[] = [];
  let turn = 0;
  const worker = async (): Promise<void> => {
    while (turn < total) {
      turn += 1;
      replies.push(
        await call(origin, { ...(typeof asked === "function" ? asked(turn) : asked), agent }),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  agent.destroy();
  const ok = replies.filter(({ status, ending }) => status === 200 && ending === "clean").length;
  return { ok, failed: replies.length - ok, replies };
}

/** How often each status came. */
export function statuses({ replies }: Tally): string {
  const groups = Map.groupBy(replies, ({ status, ending }) =>
    ending === "clean" ? String(status) : `${status} broken`,
  );
  return [...groups].map(([status, list]) => `${list.length} × ${status}`).join(", ");
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
