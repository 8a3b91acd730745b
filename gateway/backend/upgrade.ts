import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import type { Refusal } from "../errors.ts";

/** Asks for the connection itself, to speak another protocol on it (RFC 9110, section 7.8). */
export type Upgrade = {
  readonly protocol: string;
  /**
   * The backend has consented with a 101. Takes the connection over, before the receiver hears of the
   * head, after which it hears nothing more; or returns why not.
   */
  take(status: number, headers: IncomingHttpHeaders, socket: Duplex): Refusal | undefined;
};
