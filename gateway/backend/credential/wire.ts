import { AsyncLocalStorage } from "node:async_hooks";
import { type HttpClient, createDefaultHttpClient } from "@azure/core-rest-pipeline";
import { IssuerError } from "./failure.ts";

type Call = { readonly signal: AbortSignal; last: string | undefined };

const network = createDefaultHttpClient();

/**
 * The call that a request belongs to. MSAL keeps the first network client it is given for the whole
 * process, so a client of its own for each call would serve other calls as well.
 */
const calls = new AsyncLocalStorage<Call>();

/**
 * The connection to the token issuers that is put under the SDK, which does not pass its callers'
 * signal on and would leave the connection to an issuer that hangs open.
 */
export const httpClient: HttpClient = {
  async sendRequest(request) {
    const call = calls.getStore();
    if (call === undefined) throw new TypeError("a token is asked for outside of a call");
    const { host, pathname } = new URL(request.url);
    const asked = `${host}${pathname}`;
    call.last = `${asked} has not answered`;
    request.abortSignal = call.signal;
    // The next call is half an hour away: a kept connection would be found dead.
    request.headers.set("connection", "close");
    try {
      const answer = await network.sendRequest(request);
      call.last = `${asked} answered ${answer.status}`;
      return answer;
    } catch (error) {
      call.last = `${asked}: ${error instanceof Error ? error.message : "failed"}`;
      throw error;
    }
  },
};

/** Runs a call of the SDK. Its errors name neither host nor status; the one thrown here does. */
export async function onTheWire<Token>(
  signal: AbortSignal,
  work: () => Promise<Token>,
): Promise<Token> {
  const call: Call = { signal, last: undefined };
  try {
    return await calls.run(call, work);
  } catch (error) {
    throw new IssuerError(call.last, error);
  }
}
