import { patternsOf } from "./finder.ts";

/**
 * The listener of a bind for a hostname: exact before wildcard before the one for every host.
 * A request that matches none of that listener's routes does not fall through to the next.
 */
export function listenerFinder<L extends { readonly hostname: string | undefined }>(
  listeners: readonly L[],
): (hostname: string) => L | undefined {
  const byHostname = new Map(listeners.map((listener) => [listener.hostname ?? "*", listener]));
  const only = listeners.length === 1 ? byHostname.get("*") : undefined;
  if (only !== undefined) return () => only;
  return (hostname) => {
    for (const pattern of patternsOf(hostname)) {
      const listener = byHostname.get(pattern);
      if (listener !== undefined) return listener;
    }
    return undefined;
  };
}
