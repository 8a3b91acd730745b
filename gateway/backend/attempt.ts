import { Refusal } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import type { RunningBackend } from "./backend.ts";
import { type Delivered, type Inspect, deliver } from "./deliver.ts";
import type { HeaderList } from "./headers.ts";
import { type UpstreamBody, type UpstreamRequest, isReplayable } from "./transport.ts";

/** For the log. */
export const unreplayable = "the request body cannot be sent again";
/** Milliseconds within which a reset means that the kept-alive connection had gone stale. */
const staleWithin = 1_000;

/**
 * Sends a request with the backend's credential and delivers the answer. Tries once more when the
 * backend refuses the token (with another token), and once when a kept-alive connection
 * turns out to be closed; both only while the body can be sent again and the caller has seen
 * nothing. Nothing is sent without the credential.
 */
export async function attempt(
  exchange: Exchange,
  backend: RunningBackend,
  body: UpstreamBody,
  request: (credential: HeaderList) => UpstreamRequest,
  inspect: Inspect,
): Promise<Delivered> {
  let refused: HeaderList | undefined;
  let mayReconnect = true;
  let renewing = false;
  for (;;) {
    const presented = backend.credential.present(exchange, refused);
    const credential = presented instanceof Promise ? await presented : presented;
    if (exchange.closed) throw new Refusal({ kind: "client_closed" });
    exchange.record.attempts += 1;
    const sentAt = performance.now();
    try {
      const verdict = await deliver(
        exchange,
        backend.transport,
        request(credential),
        (status, headers) => {
          const first = status === 401 && refused === undefined;
          // Asked for also when this request cannot be sent again: the next one profits.
          const renewed = first && backend.credential.rejected(credential);
          if (renewed && !isReplayable(body)) exchange.record.notRetried = unreplayable;
          if (!renewed || !isReplayable(body)) return inspect(status, headers);
          refused = credential;
          renewing = true;
          return "withhold";
        },
      );
      if (!renewing) return verdict;
      renewing = false;
    } catch (error) {
      const stale =
        error instanceof Refusal &&
        error.reason.kind === "upstream_reset" &&
        error.reason.reused === true &&
        performance.now() - sentAt < staleWithin;
      if (!stale || !mayReconnect || !isReplayable(body)) throw error;
      mayReconnect = false;
    }
  }
}
