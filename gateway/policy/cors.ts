import type { Cors } from "../config/run.ts";
import { answerDirectly } from "../request/refuse.ts";
import type { CompilePolicy } from "./policy.ts";

/**
 * Lets pages of the allowed origins call (WHATWG Fetch, section 3.3). A preflight is answered here,
 * before any check: browsers send it without credentials.
 */
export const cors: CompilePolicy = ({ cors: settings }) => {
  if (settings === undefined) return undefined;
  const allows = originTest(settings.allowOrigins);
  return (exchange) => {
    const { headers, method } = exchange.request;
    const { origin } = headers;
    const requested = headers["access-control-request-method"];
    const preflight = method === "OPTIONS" && origin !== undefined && requested !== undefined;
    const common =
      origin !== undefined && allows(origin)
        ? grant(origin, settings)
        : [["vary", "origin"] as const];
    exchange.answerEdits.push({ add: [], set: common, remove: [] });
    if (!preflight) return "next";
    const extra = allows(origin)
      ? preflightHeaders(headers["access-control-request-headers"], settings)
      : [];
    answerDirectly(exchange, 204, extra, "");
    return "answered";
  };
};

function originTest(allowed: readonly string[]): (origin: string) => boolean {
  if (allowed.includes("*")) return () => true;
  const exact = new Set(allowed.filter((origin) => !origin.includes("*")));
  const wildcards = allowed
    .filter((origin) => origin.includes("*"))
    .map((origin) => {
      const [before = "", after = ""] = origin.split("*");
      return { before, after };
    });
  return (origin) =>
    exact.has(origin) ||
    wildcards.some(
      ({ before, after }) =>
        origin.length > before.length + after.length &&
        origin.startsWith(before) &&
        origin.endsWith(after) &&
        !origin.slice(before.length, origin.length - after.length).includes("/"),
    );
}

function grant(origin: string, settings: Cors): (readonly [string, string])[] {
  const anyone = settings.allowOrigins.includes("*") && !settings.allowCredentials;
  const headers: (readonly [string, string])[] = [
    ["access-control-allow-origin", anyone ? "*" : origin],
    ["vary", "origin"],
  ];
  if (settings.allowCredentials) headers.push(["access-control-allow-credentials", "true"]);
  if (settings.exposeHeaders.length > 0) {
    headers.push(["access-control-expose-headers", settings.exposeHeaders.join(", ")]);
  }
  return headers;
}

function preflightHeaders(requested: string | undefined, settings: Cors): string[] {
  const methods =
    settings.allowMethods.length === 0 ? ["GET", "HEAD", "POST"] : settings.allowMethods;
  const headers = ["access-control-allow-methods", methods.join(", ")];
  const anyHeader = settings.allowHeaders.includes("*");
  const allowed = anyHeader ? (requested ?? "") : settings.allowHeaders.join(", ");
  if (allowed !== "") headers.push("access-control-allow-headers", allowed);
  if (settings.maxAge !== undefined)
    headers.push("access-control-max-age", String(settings.maxAge));
  return headers;
}
