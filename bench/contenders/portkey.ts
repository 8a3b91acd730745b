// Portkey's own start script, which listens on every interface unless it is told otherwise here.
import { Server } from "node:net";
import { port } from "./port.ts";

const listen = Server.prototype.listen;
Reflect.set(Server.prototype, "listen", function (this: Server, ...args: unknown[]) {
  const rest = args.filter((arg) => typeof arg === "function");
  return Reflect.apply(listen, this, [port, "127.0.0.1", ...rest]);
});
process.argv.push(`--port=${port}`, "--headless");
await import("@portkey-ai/gateway/build/start-server.js");
