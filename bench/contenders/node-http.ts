// node:http on both sides and two pipes: what a proxy costs that does nothing else.
import { Agent, createServer, request as call } from "node:http";
import { port, upstreamPort } from "./port.ts";

const agent = new Agent({ keepAlive: true });

const server = createServer((request, response) => {
  const { method, url, headers } = request;
  const upstream = call({
    host: "127.0.0.1",
    port: upstreamPort,
    method,
    path: url,
    headers,
    agent,
  });
  upstream.on("response", (answer) => {
    const { connection: _, "keep-alive": __, ...rest } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, rest);
    answer.pipe(response);
  });
  upstream.on("error", () => response.destroy());
  response.on("close", () => {
    if (!response.writableFinished) upstream.destroy();
  });
  request.pipe(upstream);
});
server.keepAliveTimeout = 600_000;
server.requestTimeout = 0;
server.listen(port, "127.0.0.1");
