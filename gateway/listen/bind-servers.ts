import { once } from "node:events";
import type { Server } from "node:http";
import type { Address, Bind } from "../config/run.ts";
import { close, listen } from "./listening.ts";
import type { BindServer } from "./server.ts";

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

type Open = {
  readonly bound: BindServer;
  readonly address: Address;
  /** What its certificates were made of. Kept in memory only: it spells keys out. */
  secured: string;
};

/**
 * @param create the server of a bind
 * @param address where to listen for a configured one
 */
export function createBindServers(
  create: (bind: Bind) => BindServer,
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
        const running = open.get(bind.port);
        // Where it cannot be renewed, connections on the old server end by themselves.
        if (running !== undefined && !renewed(running, bind)) void shut(bind.port);
        const current = open.get(bind.port) ?? (await start(bind));
        open.set(bind.port, current);
        addresses.push(current.address);
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
    const bound = create(bind);
    const at = await listen(bound.server, address({ host: undefined, port: bind.port }));
    return { bound, address: at, secured: securityOf(bind) };
  }

  async function shut(port: number): Promise<void> {
    const server = open.get(port)?.bound.server;
    if (server === undefined) return;
    open.delete(port);
    closing.add(server);
    await close(server);
    closing.delete(server);
  }
}

/** Whether it shows what a configuration has it show, now at the latest. */
function renewed(running: Open, bind: Bind): boolean {
  const secured = securityOf(bind);
  if (running.secured === secured) return true;
  if (!running.bound.renew(bind)) return false;
  running.secured = secured;
  return true;
}

function securityOf({ listeners }: Bind): string {
  return JSON.stringify(
    listeners.map(({ hostname, tls }) => tls && [hostname, tls.cert, tls.key.reveal()]),
  );
}
