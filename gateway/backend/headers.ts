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

/**
 * The headers of a caller's that do not go upstream; names in lower case.
 * @param callerCredential whether the caller's own credential is what the backend is to see
 * @param replaced those that the gateway sets itself
 */
export function strippedHeaders(
  callerCredential: "strip" | "keep",
  replaced: Iterable<string>,
): ReadonlySet<string> {
  const credentials = callerCredential === "strip" ? callerCredentials : [];
  return new Set([...hopByHop, ...ours, ...credentials, ...replaced]);
}

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
 * @param spent the one that was for this gateway alone
 */
export function forwardable(
  rawHeaders: readonly string[],
  connection: string | undefined,
  stripped: ReadonlySet<string>,
  spent: string | undefined,
): string[] {
  const named = connectionOptions(connection);
  const list: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    if (stripped.has(lower) || lower === spent || named?.has(lower)) continue;
    list.push(name, rawHeaders[index + 1] ?? "");
  }
  return list;
}

/**
 * The backend's headers as they may go to the caller.
 * @param body whether it goes on as it came; the length of one that is edited is not known
 */
export function answerable(headers: IncomingHttpHeaders, body: "as it is" | "edited"): string[] {
  const named = connectionOptions(headers.connection);
  const list: string[] = [];
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || strippedFromAnswers.has(name) || named?.has(name)) continue;
    if (body === "edited" && name === "content-length") continue;
    if (typeof value === "string") list.push(name, value);
    else for (const each of value) list.push(name, each);
  }
  return list;
}

/** Names listed in a Connection header; undefined where it lists nothing beyond the usual. */
function connectionOptions(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close")
    return undefined;
  return new Set(
    connection
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
}
