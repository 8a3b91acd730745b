import type { BackendAuth } from "../../config/run/backend.ts";
import type { Exchange } from "../../request/exchange.ts";
import type { HeaderList } from "../headers.ts";
import type { TokenBroker } from "./broker.ts";

/** How the gateway proves itself to a backend. */
export type Credential = {
  /**
   * The headers to send. Rejects with `credential_unavailable` when there is none to give.
   * @param refused headers for which `rejected` said that others can be had
   */
  present(exchange: Exchange, refused?: HeaderList): HeaderList | Promise<HeaderList>;
  /** The backend answered 401 to these headers. Says whether trying again can help. */
  rejected(headers: HeaderList): boolean;
};

/** @param tokens the broker for an Azure source and scope; equal ones share it */
export function createCredential(
  auth: BackendAuth,
  tokens: (auth: Extract<BackendAuth, { kind: "azure" }>) => TokenBroker,
): Credential {
  switch (auth.kind) {
    case "none":
    case "passthrough":
      // What the caller sent is kept or stripped where the headers are put together.
      return fixed([]);
    case "key":
      return fixed([auth.header, `${auth.prefix}${auth.value.reveal()}`]);
    case "azure":
      return azure(tokens(auth));
  }
}

function fixed(headers: HeaderList): Credential {
  return { present: () => headers, rejected: () => false };
}

function azure(broker: TokenBroker): Credential {
  // One header list for each token, not for each request.
  let latest: { readonly token: string; readonly headers: HeaderList } | undefined;
  const headersOf = (token: string): HeaderList => {
    if (latest?.token !== token) latest = { token, headers: ["authorization", `Bearer ${token}`] };
    return latest.headers;
  };
  return {
    present(_, refused) {
      const token = broker.token(refused === undefined ? undefined : tokenOf(refused));
      return typeof token === "string" ? headersOf(token) : token.then(headersOf);
    },
    rejected: (headers) => broker.rejected(tokenOf(headers)),
  };
}

function tokenOf([, value = ""]: HeaderList): string {
  return value.slice("Bearer ".length);
}
