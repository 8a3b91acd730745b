import type { PublicOrigin } from "../config/run.ts";
import type { Exchange } from "./exchange.ts";

/** How a URL begins by which the caller reaches the gateway. */
export type CallerOrigin = {
  readonly scheme: "http" | "https";
  /** Host, with or without port; empty where the caller named none. */
  readonly authority: string;
};

/**
 * The gateway's origin as its caller sees it. Forwarded headers are never believed: any caller can
 * write them. A Host is the caller's own as well, so what is made of it goes to that caller alone; an
 * origin from the configuration takes its place.
 */
export function callerOrigin(
  { request, hostname }: Exchange,
  configured: PublicOrigin | undefined,
): CallerOrigin {
  if (configured?.kind === "fixed") return configured;
  const secure = configured?.kind === "secured" || "encrypted" in request.socket;
  return { scheme: secure ? "https" : "http", authority: request.headers.host ?? hostname };
}
