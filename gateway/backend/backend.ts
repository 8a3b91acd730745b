import type { Backend } from "../config/run.ts";
import { hostHeader } from "../policy/url-rewrite.ts";
import type { Exchange } from "../request/exchange.ts";
import { applyEdits } from "../request/header-edits.ts";
import { forwardAi } from "./ai/exchange.ts";
import type { Credential } from "./credential/credential.ts";
import { type HeaderList, forwardable } from "./headers.ts";
import { forwardTransparently } from "./transparent.ts";
import type { Transport } from "./transport.ts";

/** A backend with its connections and its credential. */
export type RunningBackend = {
  readonly name: string;
  readonly weight: number;
  readonly transport: Transport;
  readonly credential: Credential;
  /** The caller's headers as this backend is to see them, with its Host. */
  headers(exchange: Exchange): HeaderList;
};

/** Carries one request to a backend and its answer to the caller. */
export type Forward = (exchange: Exchange) => Promise<void>;

export type RunnableBackend = {
  readonly weight: number;
  readonly name: string;
  readonly forward: Forward;
};

export function runBackend(
  backend: Backend,
  transport: Transport,
  credential: Credential,
  maxBody: number,
): RunnableBackend {
  const { name, weight, auth, target, traffic } = backend;
  const callerCredential = auth.kind === "passthrough" ? "keep" : "strip";
  const replaced = new Set(traffic.kind === "ai" ? ["accept-encoding", "content-encoding"] : []);
  if (auth.kind === "key") replaced.add(auth.header);
  const running: RunningBackend = {
    name,
    weight,
    transport,
    credential,
    headers({ request, authority, id, spentHeader, requestEdits }) {
      const list = forwardable(
        request.rawHeaders,
        request.headers.connection,
        callerCredential,
        spentHeader === undefined ? replaced : new Set([...replaced, spentHeader]),
      );
      const host = hostHeader(authority, target, request.headers.host ?? target.host);
      list.push("host", host, "x-request-id", id);
      return applyEdits(list, requestEdits);
    },
  };
  const forward: Forward =
    traffic.kind === "ai"
      ? (exchange) => forwardAi(exchange, running, traffic, maxBody)
      : (exchange) => forwardTransparently(exchange, running, target);
  return { name, weight, forward };
}

/** @param random in [0, 1) */
export function chooseByWeight<B extends { readonly weight: number }>(
  backends: readonly B[],
  random: () => number,
): B | undefined {
  if (backends.length === 1) return backends[0];
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * total;
  for (const backend of backends) {
    left -= backend.weight;
    if (left < 0) return backend;
  }
  return backends.findLast(({ weight }) => weight > 0);
}
