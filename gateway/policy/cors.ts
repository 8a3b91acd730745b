import type { Cors } from "../config/run/policies.ts";
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
    const granted = origin !== undefined && allows(origin) ? grant(origin, settings) : [];
    // What the backend itself would allow must not show: only the config decides.
    exchange.answerEdits.push({ add: [["vary", "origin"]], set: granted, remove: ours });
    if (!preflight) return "next";
    if (allows(origin)) {
      const set = preflightHeaders(headers["access-control-request-headers"], settings);
      exchange.answerEdits.push({ add: [], set, remove: [] });
    }
    answerDirectly(exchange, 204, [], "");
    return "answered";
  };
};

/** Headers of the CORS protocol in an answer. */
const ours = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-expose-headers",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-max-age",
  "access-control-allow-private-network",
];

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
  ];
  if (settings.allowCredentials) headers.push(["access-control-allow-credentials", "true"]);
  if (settings.exposeHeaders.length > 0) {
    headers.push(["access-control-expose-headers", settings.exposeHeaders.join(", ")]);
  }
  return headers;
}

function preflightHeaders(
  requested: string | undefined,
  settings: Cors,
): (readonly [string, string])[] {
  const methods =
    settings.allowMethods.length === 0 ? ["GET", "HEAD", "POST"] : settings.allowMethods;
  const headers: (readonly [string, string])[] = [
    ["access-control-allow-methods", methods.join(", ")],
  ];
  const anyHeader = settings.allowHeaders.includes("*");
  const allowed = anyHeader ? (requested ?? "") : settings.allowHeaders.join(", ");
  if (allowed !== "") headers.push(["access-control-allow-headers", allowed]);
  if (settings.maxAge !== undefined)
    headers.push(["access-control-max-age", String(settings.maxAge)]);
  return headers;
}
