import type { IncomingHttpHeaders } from "node:http";
import type { Exchange } from "../request/exchange.ts";
import { queryText } from "../request/query-text.ts";

/** How OpenAI's clients send a key where they cannot set headers, as in a browser. */
const keyProtocol = "openai-insecure-api-key.";

/** Query parameters that carry a credential, in lower case, and the headers that they stand for. */
const keyParameters: ReadonlyMap<string, string> = new Map([
  ["api-key", "api-key"],
  ["x-api-key", "x-api-key"],
  ["authorization", "authorization"],
  ["access_token", "authorization"],
  ["subscription-key", "api-key"],
  ["ocp-apim-subscription-key", "api-key"],
]);

/**
 * Takes a caller's key out of the query and the subprotocols, and shows it to the caller checks as the
 * header it stands for; a header that is there wins. The headers as received, from which the backend's
 * are made, do not have it: it goes no further, whatever the backend's credential is.
 */
export function takeOfferedKey(exchange: Exchange): void {
  const { headers } = exchange.request;
  const question = exchange.target.indexOf("?");
  if (question !== -1) {
    const kept = exchange.target
      .slice(question + 1)
      .split("&")
      .filter((part) => !takeParameter(part, headers));
    const query = kept.length === 0 ? "" : `?${kept.join("&")}`;
    exchange.target = exchange.target.slice(0, question) + query;
  }
  const protocols = protocolsIn(headers).filter((name) => {
    if (!name.toLowerCase().startsWith(keyProtocol)) return true;
    headers.authorization ??= `Bearer ${name.slice(keyProtocol.length)}`;
    return false;
  });
  headers["sec-websocket-protocol"] = protocols.join(", ");
}

/** The subprotocols that are asked for, the most wanted first. */
export function protocolsIn(headers: IncomingHttpHeaders): readonly string[] {
  const written = headers["sec-websocket-protocol"] ?? "";
  return written === "" ? [] : written.split(",").map((name) => name.trim());
}

/** Whether a part of the query is a credential. */
function takeParameter(part: string, headers: IncomingHttpHeaders): boolean {
  const equals = part.indexOf("=");
  const name = queryText(equals === -1 ? part : part.slice(0, equals)).toLowerCase();
  const header = keyParameters.get(name);
  if (header === undefined) return false;
  const value = equals === -1 ? "" : queryText(part.slice(equals + 1));
  headers[header] ??= name === "access_token" ? `Bearer ${value}` : value;
  return true;
}
