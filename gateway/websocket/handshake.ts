import { hash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { HeaderList } from "../backend/headers.ts";
import type { Reason } from "../errors.ts";

/** Sixteen bytes in base64 (RFC 6455, section 4.1). */
const keyShape = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const protocolsShape = /^[!#$%&'*+.^`|~\w-]+(?:\s*,\s*[!#$%&'*+.^`|~\w-]+)*$/;

/**
 * What is wrong with a handshake. A body would be bytes of the request to one server and the first
 * frame to another.
 */
export function handshakeFault({ headers }: IncomingMessage): Reason | undefined {
  if (headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0") {
    return bad("it has a body");
  }
  if (!keyShape.test(headers["sec-websocket-key"] ?? "")) {
    return bad("Sec-WebSocket-Key is not 16 bytes in base64");
  }
  const protocols = headers["sec-websocket-protocol"];
  if (protocols !== undefined && protocols !== "" && !protocolsShape.test(protocols)) {
    return bad("Sec-WebSocket-Protocol is not a list of names");
  }
  return headers["sec-websocket-version"] === "13" ? undefined : { kind: "websocket_version" };
}

function bad(detail: string): Reason {
  return { kind: "bad_handshake", detail };
}

/** What is offered to a backend, in the caller's name. */
export type Offer = {
  readonly key: string;
  readonly protocols: readonly string[];
  /** As the caller wrote it; undefined where frames are to stay readable. */
  readonly extensions: string | undefined;
};

/**
 * A handshake's headers: the caller's own as far as they go upstream, and the handshake made anew.
 * `Connection` and `Upgrade` are the transport's.
 */
export function handshakeHeaders(forwarded: HeaderList, offer: Offer): string[] {
  const list: string[] = [];
  for (let index = 0; index + 1 < forwarded.length; index += 2) {
    const name = forwarded[index] ?? "";
    if (!name.toLowerCase().startsWith("sec-websocket-"))
      list.push(name, forwarded[index + 1] ?? "");
  }
  list.push("sec-websocket-key", offer.key, "sec-websocket-version", "13");
  if (offer.protocols.length > 0) list.push("sec-websocket-protocol", offer.protocols.join(", "));
  if (offer.extensions !== undefined) list.push("sec-websocket-extensions", offer.extensions);
  return list;
}

/**
 * What is wrong with a backend's consent (RFC 6455, section 4.1): it must have read this very
 * handshake, and may choose only from what was offered.
 */
export function consentFault(
  status: number,
  headers: IncomingHttpHeaders,
  { key, protocols, extensions }: Offer,
): string | undefined {
  if (status !== 101 || headers.upgrade?.toLowerCase() !== "websocket") {
    return "it switches to another protocol than the one asked for";
  }
  if (headers["sec-websocket-accept"] !== acceptOf(key)) return "its Sec-WebSocket-Accept is wrong";
  const chosen = headers["sec-websocket-protocol"];
  if (chosen !== undefined && !protocols.includes(chosen)) return "it chose an unoffered protocol";
  if (headers["sec-websocket-extensions"] !== undefined && extensions === undefined) {
    return "it chose an unoffered extension";
  }
  return undefined;
}

/** Fixed by RFC 6455, section 1.3. */
const acceptSalt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export function acceptOf(key: string): string {
  return hash("sha1", key + acceptSalt, "base64");
}
