import { type Server, createServer } from "node:http";

/** `GET /healthz/ready`: 200 while requests are welcome, 503 from the moment the gateway drains. */
export function createReadinessServer(isReady: () => boolean): Server {
  return createServer((request, response) => {
    request.resume();
    const known = request.url?.split("?")[0] === "/healthz/ready";
    const status = known ? (isReady() ? 200 : 503) : 404;
    response.writeHead(status, { "content-type": "text/plain" });
    response.end(status === 200 ? "ready\n" : status === 503 ? "draining\n" : "not found\n");
  });
}
