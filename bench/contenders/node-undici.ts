// What the runtime can do: node:http and undici with nothing between them, doing the gateway's bare
// job: the body read, the model put in by an edit of its bytes, the token set, the answer streamed.
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type Dispatcher, Pool } from "undici";
import { modelSent, upstreamToken } from "../job.ts";
import { port, upstreamPort } from "./port.ts";

const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { pipelining: 1 });
const model = Buffer.from(JSON.stringify(modelSent));
const authorization = `Bearer ${upstreamToken}`;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => send(request, response, rewritten(chunks)));
});
server.keepAliveTimeout = 600_000;
server.requestTimeout = 0;
server.listen(port, "127.0.0.1");

function rewritten(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks;
  const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
  const start = body.indexOf('"model":') + 8;
  const end = body.indexOf('"', start + 1) + 1;
  return Buffer.concat([body.subarray(0, start), model, body.subarray(end)]);
}

function send(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const headers = ["content-type", "application/json", "authorization", authorization];
  pool.dispatch({ method: "POST", path: request.url ?? "/", headers, body }, handlerFor(response));
}

function handlerFor(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) => {
      response.once("close", () => {
        if (!response.writableFinished) controller.abort(new Error("the caller has gone"));
      });
    },
    onResponseStart(_, status, headers) {
      const list = Object.entries(headers).flatMap(([name, value]) =>
        typeof value === "string" && name !== "connection" && name !== "transfer-encoding"
          ? [name, value]
          : [],
      );
      response.writeHead(status, list);
    },
    onResponseData(controller, chunk) {
      if (response.write(chunk)) return;
      controller.pause();
      response.once("drain", () => controller.resume());
    },
    onResponseEnd: () => void response.end(),
    onResponseError(_, error) {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(error.message);
    },
  };
}
