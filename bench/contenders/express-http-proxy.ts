// As its documentation has it, without the parsing of bodies, and with the agent kept alive: as it
// comes, it asks for its connection to be closed, opens another for each request, and measures little else.
import { Agent } from "node:http";
import express from "express";
import proxy from "express-http-proxy";
import { port, upstreamPort } from "./port.ts";

const agent = new Agent({ keepAlive: true });
const app = express();
app.use(
  proxy(`http://127.0.0.1:${upstreamPort}`, {
    parseReqBody: false,
    proxyReqOptDecorator: (options) => ({
      ...options,
      agent,
      headers: { ...options.headers, connection: "keep-alive" },
    }),
  }),
);
const server = app.listen(port, "127.0.0.1");
server.keepAliveTimeout = 600_000;
server.requestTimeout = 0;
