import type { IncomingHttpHeaders } from "node:http";

/** Flat list of names and values: `[name, value, name, value]`. */
export type HeaderList = readonly string[];

/** Meant for one connection, not for the next (RFC 9110, section 7.6.1). */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** What proves who the caller is. It stops here, or another's credential would travel next to ours. */
const callerCredentials = ["authorization", "api-key", "x-api-key", "ocp-apim-subscription-key"];

/** Set anew for the next connection, or untrue beyond this one. */
const ours = [
  "host",
  "content-length",
  "expect",
  "x-request-id",
  "cookie",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
];

const strippedOnPassthrough: ReadonlySet<string> = new Set([...hopByHop, ...ours]);
const stripped: ReadonlySet<string> = new Set([...strippedOnPassthrough, ...callerCredentials]);
const strippedFromAnswers: ReadonlySet<string> = new Set([
  ...hopByHop,
  "set-cookie",
  "x-request-id",
  // Would send the caller past the gateway (RFC 7838).
  "alt-svc",
]);

/**
 * The caller's headers as they may go upstream, in their order and spelling.
 * @param rawHeaders as Node gives them
 * @param callerCredential whether the caller's own credential is what the backend is to see
 * @param isReplaced whether the gateway sets a header itself; names in lower case
 */
export function forwardable(
  rawHeaders: readonly string[],
  connection: string | undefined,
  callerCredential: "strip" | "keep",
  isReplaced: (name: string) => boolean,
): string[] {
  const strip = callerCredential === "strip" ? stripped : strippedOnPassthrough;
  const named = connectionOptions(connection);
  const list: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    if (strip.has(lower) || isReplaced(lower) || named?.has(lower)) continue;
    list.push(name, rawHeaders[index + 1] ?? "");
  }
  return list;
}

/** The backend's headers as they may go to the caller. */
export function answerable(headers: IncomingHttpHeaders): string[] {
  const named = connectionOptions(headers.connection);
  const list: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || strippedFromAnswers.has(name) || named?.has(name)) continue;
    if (Array.isArray(value)) for (const each of value) list.push(name, each);
    else list.push(name, value);
  }
  return list;
}

/** Names listed in a Connection header; undefined where it lists nothing beyond the usual. */
function connectionOptions(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^\s*(keep-alive|close)\s*$/i.test(connection)) return undefined;
  return new Set(
    connection
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
}
