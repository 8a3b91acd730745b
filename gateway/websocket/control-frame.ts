import { randomBytes } from "node:crypto";

/** An empty ping, as a server sends it (RFC 6455, section 5.5.2). */
export const ping = Buffer.from([0x89, 0]);

/** The endpoint goes away, and is expected back (RFC 6455, section 7.4.1). */
export const goingAway = 1001;

/** A close frame. What goes to a server is masked, what goes to a client is not (section 5.1). */
export function closeFrame(to: "client" | "server", code: number): Buffer {
  const payload = Buffer.from([code >> 8, code & 0xff]);
  if (to === "client") return Buffer.concat([Buffer.from([0x88, 2]), payload]);
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index] ?? 0));
  return Buffer.concat([Buffer.from([0x88, 0x82]), mask, masked]);
}
