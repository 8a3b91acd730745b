import type { Server } from "node:http";
import type { Address } from "../config/run.ts";

/** Starts a server. Rejects with the system's error when the address cannot be had. */
export function listen(server: Server, { host, port }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off("error", reject);
      const bound = server.address();
      resolve(
        typeof bound === "object" && bound !== null
          ? { host: bound.address, port: bound.port }
          : { host, port },
      );
    });
  });
}

/** Stops accepting and resolves when the last connection has gone; idle ones are closed at once. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
