import { Refusal, outcomeOf } from "../../../errors.ts";
import type { Exchange } from "../../../request/exchange.ts";
import type { Credential } from "../../credential/credential.ts";
import type { HeaderList } from "../../headers.ts";
import type { Transport } from "../../transport.ts";
import type { Check } from "./checks.ts";
import { GuardFailure } from "./guard-failure.ts";

/** A service that is asked on a request's way, with the gateway's credential for it. */
export type Service = { readonly transport: Transport; readonly credential: Credential };

/** Bytes of an answer; Content Safety's have a few hundred, and one line for each blocklist's hit. */
const maxAnswer = 256 * 1024;

const plainJson: HeaderList = [
  "content-type",
  "application/json",
  "accept",
  "application/json",
  "accept-encoding",
  "identity",
];

type Whole = { readonly status: number; readonly body: Buffer };

/**
 * The answer to a check. Asks once more when the token was refused and there is another, and when a
 * kept-alive connection turns out to be closed. Rejects with GuardFailure, or with the signal's reason.
 *
 * @param timeout milliseconds without a byte
 */
export async function ask(
  { transport, credential }: Service,
  exchange: Exchange,
  check: Check,
  timeout: number,
  signal: AbortSignal,
): Promise<unknown> {
  let refused: HeaderList | undefined;
  let mayReconnect = true;
  for (;;) {
    const headers = await present(credential, exchange, refused, signal);
    signal.throwIfAborted();
    let answer: Whole;
    try {
      answer = await send(transport, exchange.id, check, headers, timeout, signal);
    } catch (error) {
      if (!isStale(error) || !mayReconnect) throw error;
      mayReconnect = false;
      continue;
    }
    const { status, body } = answer;
    if (status === 200) return parsed(body);
    if (status !== 401 || refused !== undefined || !credential.rejected(headers)) {
      throw new GuardFailure(`status_${status}`);
    }
    refused = headers;
  }
}

async function present(
  credential: Credential,
  exchange: Exchange,
  refused: HeaderList | undefined,
  signal: AbortSignal,
): Promise<HeaderList> {
  try {
    const headers = credential.present(exchange, refused);
    return headers instanceof Promise ? await orAborted(headers, signal) : headers;
  } catch (error) {
    const unavailable = error instanceof Refusal && error.reason.kind === "credential_unavailable";
    throw unavailable ? new GuardFailure(error.reason.kind, error) : error;
  }
}

/** An issuer may take longer than there is time. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

function send(
  transport: Transport,
  id: string,
  { path, body }: Check,
  credential: HeaderList,
  timeout: number,
  signal: AbortSignal,
): Promise<Whole> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    const chunks: Buffer[] = [];
    let status = 0;
    let length = 0;
    const settle = (finish: () => void): void => {
      signal.removeEventListener("abort", abort);
      finish();
    };
    const abort = (): void => {
      call.abort();
      settle(() => reject(signal.reason));
    };
    const call = transport.send(
      {
        method: "POST",
        path,
        headers: [...plainJson, "x-request-id", id, ...credential],
        body: { kind: "buffers", chunks: [bytes], length: bytes.length },
        timeouts: { firstByte: timeout, idle: timeout },
      },
      {
        head: (said) => void (status = said),
        data(chunk) {
          chunks.push(chunk);
          length += chunk.length;
          if (length <= maxAnswer) return;
          call.abort();
          settle(() => reject(new GuardFailure("unreadable_answer")));
        },
        end: () => settle(() => resolve({ status, body: Buffer.concat(chunks) })),
        fail: (refusal) =>
          settle(() => reject(new GuardFailure(outcomeOf(refusal.reason), refusal))),
      },
    );
    signal.addEventListener("abort", abort, { once: true });
  });
}

function isStale(error: unknown): boolean {
  const refusal = error instanceof GuardFailure ? error.cause : undefined;
  return (
    refusal instanceof Refusal &&
    refusal.reason.kind === "upstream_reset" &&
    refusal.reason.reused === true
  );
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    // The parser's own words quote what it could not read.
    throw new GuardFailure("unreadable_answer");
  }
}
