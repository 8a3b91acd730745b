import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import proxy from "express-http-proxy";
import type { Target } from "../config/run.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import { attempt } from "./attempt.ts";
import type { RunningBackend } from "./backend.ts";
import type { UpstreamBody } from "./transport.ts";

/** What express-http-proxy has put together by the time it sends. */
type Container = {
  readonly proxy: { readonly reqBuilder: { readonly method: string; readonly path: string } };
};

type SendStep = { readonly sendProxyRequest: (container: Container) => Promise<Container> };

/**
 * Carries any request to a `host` backend as it is, over express-http-proxy: any method, any body,
 * streamed both ways.
 *
 * Its send step is replaced by our transport (`sendProxyRequest`, which its documentation does not
 * mention): its own leaves the caller hanging when the backend dies mid-answer. Its `headers` option
 * must never be used: it carries one caller's headers into the next caller's request.
 */
export async function forwardTransparently(
  exchange: Exchange,
  backend: RunningBackend,
  target: Target,
): Promise<void> {
  const { request, response, caller } = exchange;
  // What such a request asks for cannot be told, so a caller bound to some models may ask for nothing.
  if (caller.allowedModels !== undefined) {
    throw new Refusal({ kind: "model_not_allowed", model: "this service" });
  }
  return new Promise((resolve, reject) => {
    const options: proxy.ProxyOptions & SendStep = {
      // Anything else buffers the body.
      parseReqBody: false,
      proxyReqPathResolver: () => exchange.target,
      proxyErrorHandler: (error: unknown) => reject(error),
      async sendProxyRequest(container) {
        const body = bodyOf(request, (bytes) => {
          exchange.record.requestBytes += bytes;
        });
        const headers = backend.headers(exchange);
        const { method, path } = container.proxy.reqBuilder;
        const send = (credential: readonly string[]) => ({
          method,
          path,
          headers: [...headers, ...credential],
          body,
        });
        await attempt(exchange, backend, body, send, () => undefined);
        resolve();
        return container;
      },
    };
    void proxy(target.host, options)(request, response, reject);
  });
}

function bodyOf(request: Request, count: (bytes: number) => void): UpstreamBody {
  const written = request.headers["content-length"];
  const length = written === undefined ? undefined : Number(written);
  if (
    length === 0 ||
    (length === undefined && request.headers["transfer-encoding"] === undefined)
  ) {
    return { kind: "none" };
  }
  return { kind: "stream", chunks: counted(request, count), length };
}

/** Leaves the request open when the backend fails, so that the caller can be told. */
async function* counted(
  request: IncomingMessage,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk;
      count(bytes.length);
      yield bytes;
    }
  } finally {
    // The backend may answer before it has read everything; the caller's connection lives on.
    request.resume();
  }
}
