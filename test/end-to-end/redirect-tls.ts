import { createRequire } from "node:module";
import type tls from "node:tls";

/**
 * Loaded into the gateway's process before it (`--import`): every TLS connection goes to the
 * stand-in on loopback, under the name and with the checks it was made with.
 */

const port = Number(process.env.STAND_IN_PORT);
const real: typeof tls = createRequire(import.meta.url)("node:tls");
const connect = real.connect;
Reflect.set(real, "connect", (options: tls.ConnectionOptions) =>
  connect({ ...options, host: "127.0.0.1", port }),
);
