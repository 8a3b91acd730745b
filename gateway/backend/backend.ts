import type { Backend, PhaseTimeouts, Traffic } from "../config/run/backend.ts";
import { hostHeader } from "../policy/url-rewrite.ts";
import type { Exchange } from "../request/exchange.ts";
import { applyEdits } from "../request/header-edits.ts";
import type { Placed } from "./candidates.ts";
import type { Credential } from "./credential/credential.ts";
import { forwardable, strippedHeaders } from "./headers.ts";
import type { Health } from "./health.ts";
import type { Transport } from "./transport.ts";

/** A backend with its connections, its credential and its health. */
export type RunningBackend<T extends Traffic = Traffic> = Placed & {
  readonly name: string;
  /** `host:port`: what a response or a file made there is known by. */
  readonly origin: string;
  readonly traffic: T;
  readonly transport: Transport;
  readonly credential: Credential;
  readonly health: Health;
  readonly timeouts: PhaseTimeouts;
  /** The caller's headers as this backend is to see them, with its Host. */
  readonly headers: HeadersOf;
  /** The same without those that whoever sends the body sets; names in lower case. */
  headersWithout(without: readonly string[]): HeadersOf;
};

export type HeadersOf = (exchange: Exchange) => string[];

export function runBackend<T extends Traffic>(
  backend: Backend,
  traffic: T,
  running: Pick<RunningBackend, "transport" | "credential" | "health">,
): RunningBackend<T> {
  const { name, pool, poolWeight, group, weight, auth, target, timeouts } = backend;
  const callerCredential = auth.kind === "passthrough" ? "keep" : "strip";
  return {
    ...running,
    name,
    origin: `${target.host}:${target.port}`,
    pool,
    poolWeight,
    group,
    weight,
    traffic,
    timeouts,
    headers: headersWithout([]),
    headersWithout,
  };

  function headersWithout(without: readonly string[]): HeadersOf {
    const own = auth.kind === "key" ? [auth.header] : [];
    const stripped = strippedHeaders(callerCredential, [...own, ...without]);
    return ({ request, authority, id, spentHeader, requestEdits }) => {
      const { rawHeaders, headers } = request;
      const list = forwardable(rawHeaders, headers.connection, stripped, spentHeader);
      const host = hostHeader(authority, target, headers.host ?? target.host);
      list.push("host", host, "x-request-id", id);
      return applyEdits(list, requestEdits);
    };
  }
}
