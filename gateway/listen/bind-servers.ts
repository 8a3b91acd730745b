import { once } from "node:events";
import type { Server } from "node:http";
import type { Address, Bind } from "../config/run.ts";
import { close, listen } from "./listening.ts";

/** The servers of a configuration's binds, by port. */
export type BindServers = {
  /** Opens what is new. Rejects when a port cannot be had, and then opens none. */
  open(binds: readonly Bind[]): Promise<void>;
  /** Closes what is gone and renews what is secured otherwise. Resolves with where each bind listens. */
  settle(binds: readonly Bind[]): Promise<readonly Address[]>;
  /** Stops accepting; resolves when the last connection has gone. */
  close(): Promise<void>;
  /** Whether any server accepts no more but still has connections. */
  closing(): boolean;
  /** Closes connections of such servers that carry no request. */
  closeIdle(): void;
  /** Closes all their connections. */
  cutAll(): void;
};

type Open = { readonly server: Server; readonly address: Address; readonly secured: string };

/**
 * @param create the server of a bind
 * @param address where to listen for a configured one
 */
export function createBindServers(
  create: (bind: Bind) => Server,
  address: (configured: Address) => Address,
): BindServers {
  const open = new Map<number, Open>();
  /** Servers that accept no more, until their last connection has gone. */
  const closing = new Set<Server>();

  return {
    async open(binds) {
      const opened: number[] = [];
      try {
        for (const bind of binds.filter(({ port }) => !open.has(port))) {
          open.set(bind.port, await start(bind));
          opened.push(bind.port);
        }
      } catch (error) {
        await Promise.all(opened.map(shut));
        throw error;
      }
    },
    async settle(binds) {
      const wanted = new Set(binds.map(({ port }) => port));
      for (const port of open.keys()) if (!wanted.has(port)) void shut(port);
      const addresses: Address[] = [];
      for (const bind of binds) {
        // A certificate is part of its server; connections on the old one end by themselves.
        if (open.get(bind.port)?.secured !== securityOf(bind)) void shut(bind.port);
        const server = open.get(bind.port) ?? (await start(bind));
        open.set(bind.port, server);
        addresses.push(server.address);
      }
      return addresses;
    },
    async close() {
      await Promise.all([...open.keys()].map(shut));
      // Those of configurations before this one.
      await Promise.all([...closing].map((server) => once(server, "close")));
    },
    closing: () => closing.size > 0,
    closeIdle() {
      for (const server of closing) server.closeIdleConnections();
    },
    cutAll() {
      for (const server of closing) server.closeAllConnections();
    },
  };

  async function start(bind: Bind): Promise<Open> {
    const server = create(bind);
    const at = await listen(server, address({ host: undefined, port: bind.port }));
    return { server, address: at, secured: securityOf(bind) };
  }

  async function shut(port: number): Promise<void> {
    const server = open.get(port)?.server;
    if (server === undefined) return;
    open.delete(port);
    closing.add(server);
    await close(server);
    closing.delete(server);
  }
}

/** What of a bind its server is made of. Kept in memory only: it spells keys out. */
function securityOf({ listeners }: Bind): string {
  return JSON.stringify(
    listeners.map(({ hostname, tls }) => tls && [hostname, tls.cert, tls.key.reveal()]),
  );
}
