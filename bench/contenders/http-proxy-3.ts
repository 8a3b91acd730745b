import { Agent, createServer } from "node:http";
import { createProxyServer } from "http-proxy-3";
import { port, upstreamPort } from "./port.ts";

const proxy = createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true }),
});
proxy.on("error", (_error, _request, response) => response.destroy());

const server = createServer((request, response) => proxy.web(request, response));
server.keepAliveTimeout = 600_000;
server.requestTimeout = 0;
server.listen(port, "127.0.0.1");
