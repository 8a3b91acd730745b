import proxy from "express-http-proxy";
import type { Exchange } from "../request/exchange.ts";
import { ownedByPath } from "./affinity.ts";
import type { RunningBackend } from "./backend.ts";
import { streamedBody } from "./replay.ts";
import { type Trying, tryInTurn } from "./tries.ts";

/** What express-http-proxy has put together by the time it sends. */
type Container = {
  readonly proxy: { readonly reqBuilder: { readonly method: string; readonly path: string } };
};

type SendStep = { readonly sendProxyRequest: (container: Container) => Promise<Container> };

/** express-http-proxy wants one; where requests go is our transport's business. */
const unusedHost = "backend.invalid";

/**
 * Carries any request to a backend as it is, over express-http-proxy: any method, any body, streamed
 * both ways. Whether the caller may ask for it has been settled before.
 *
 * Its send step is replaced by our transport (`sendProxyRequest`, which its documentation does not
 * mention): its own leaves the caller hanging when the backend dies mid-answer. Its `headers` option
 * must never be used: it carries one caller's headers into the next caller's request.
 *
 * @param pathFor path and query to send
 */
export function forwardTransparently<B extends RunningBackend>(
  exchange: Exchange,
  trying: Trying<B>,
  pathFor: (backend: B) => string,
): Promise<void> {
  const { request, response, record } = exchange;
  return new Promise((resolve, reject) => {
    const options: proxy.ProxyOptions & SendStep = {
      // Anything else buffers the body.
      parseReqBody: false,
      proxyReqPathResolver: () => exchange.target,
      proxyErrorHandler: (error: unknown) => reject(error),
      async sendProxyRequest(container) {
        const { method, path } = container.proxy.reqBuilder;
        const { body, release } = streamedBody(request, (bytes) => {
          record.requestBytes += bytes;
        });
        const { backends } = trying;
        const sending = tryInTurn(exchange, trying, backends, ownedByPath(path), (backend) => {
          const headers = backend.headers(exchange);
          return {
            body,
            request: (credential) => ({
              method,
              path: pathFor(backend),
              headers: [...headers, ...credential],
              body,
              timeouts: backend.timeouts,
            }),
            inspect: () => undefined,
          };
        });
        await sending.finally(release);
        resolve();
        return container;
      },
    };
    void proxy(unusedHost, options)(request, response, reject);
  });
}
