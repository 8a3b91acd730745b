import { type SecureContext, createSecureContext } from "node:tls";
import type { Bind } from "../config/run.ts";
import { listenerFinder } from "../route/listener.ts";

/** What the server of an HTTPS bind shows to whom. */
export type Certificates = {
  /** PEM; for a client that names no host, or one that no listener has. */
  readonly fallback: { readonly cert: string; readonly key: string };
  contextFor(hostname: string): SecureContext | undefined;
};

/** Undefined for a bind that speaks HTTP. */
export function certificatesOf({ listeners }: Bind): Certificates | undefined {
  const secured = listeners.flatMap(({ hostname, tls }) => {
    if (tls === undefined) return [];
    const pair = { cert: tls.cert, key: tls.key.reveal() };
    return [{ hostname, pair, context: createSecureContext(pair) }];
  });
  const [first] = secured;
  if (first === undefined) return undefined;
  const find = listenerFinder(secured);
  return {
    fallback: first.pair,
    contextFor: (hostname) => find(hostname.toLowerCase())?.context,
  };
}
