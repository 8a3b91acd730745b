import { Agent, createServer } from "node:http";
import { createProxyServer } from "httpxy";
import { port, upstreamPort } from "./port.ts";

const proxy = createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true }),
});

const server = createServer((request, response) => {
  proxy.web(request, response).catch(() => response.destroy());
});
server.keepAliveTimeout = 600_000;
server.requestTimeout = 0;
server.listen(port, "127.0.0.1");
