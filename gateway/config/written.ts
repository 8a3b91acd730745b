import * as z from "zod";
import { ai, weight } from "./written/ai-backend.ts";
import {
  backendAuth,
  backendPolicies,
  backendTLS,
  health,
  urlRewrite,
} from "./written/backend-policies.ts";
import { apiKey, jwtAuth } from "./written/inbound-policies.ts";
import { match } from "./written/match.ts";
import { object, oneOf } from "./written/object.ts";
import { authority, hostname, port, text } from "./written/scalar.ts";
import {
  cors,
  directResponse,
  headerModifier,
  localRateLimit,
  requestRedirect,
  retry,
  streamKeepAlive,
  timeout,
} from "./written/traffic-policies.ts";

/**
 * The configuration as written: agentgateway's grammar, its Azure part. One schema gives the types,
 * the checks and the JSON Schema. The lists of names behind an object are agentgateway's keys that
 * this gateway does not have.
 */

const outsideRoutePolicies = [
  "basicAuth",
  "remoteRateLimit",
  "requestMirror",
  "ai",
  "mcpAuthentication",
  "mcpAuthorization",
  "a2a",
  "authorization",
  "extAuthz",
  "extProc",
  "transformations",
  "csrf",
  "buffer",
  "oidc",
];
/** Also a listener's, for all its routes; a route's own policy of the same name takes its place. */
const routePolicies = object(
  {
    cors: cors.optional(),
    jwtAuth: jwtAuth.optional(),
    apiKey: apiKey.optional(),
    localRateLimit: localRateLimit.optional(),
    timeout: timeout.optional(),
    retry: retry.optional(),
    streamKeepAlive: streamKeepAlive.optional(),
    requestHeaderModifier: headerModifier.optional(),
    responseHeaderModifier: headerModifier.optional(),
    urlRewrite: urlRewrite.optional(),
    requestRedirect: requestRedirect.optional(),
    directResponse: directResponse.optional(),
    backendAuth: backendAuth.optional(),
    backendTLS: backendTLS.optional(),
    health: health.optional(),
  },
  outsideRoutePolicies,
);

const backend = oneOf(
  {
    weight: weight.optional(),
    policies: backendPolicies.optional(),
    ai: ai.optional(),
    host: authority.optional(),
  },
  ["ai", "host"],
  ["mcp", "dynamic", "service", "backend", "aws", "invalid", "filters"],
);

const route = object(
  {
    name: text.optional(),
    hostnames: z.array(hostname).optional(),
    matches: z
      .array(match)
      .min(1, { error: "expected at least one match, or no matches key" })
      .optional(),
    policies: routePolicies.optional(),
    backends: z.array(backend).optional(),
  },
  ["ruleName", "inlinePolicies", "routeGroup"],
);

const listener = object(
  {
    name: text.optional(),
    hostname: hostname.optional(),
    protocol: z.enum(["HTTP", "HTTPS"], { error: "expected HTTP or HTTPS" }).optional(),
    tls: object({ cert: text, key: text }, [
      "root",
      "minTLSVersion",
      "maxTLSVersion",
      "cipherSuites",
      "mtlsMode",
    ]).optional(),
    policies: routePolicies.optional(),
    routes: z.array(route).optional(),
  },
  ["namespace", "gatewayName", "tcpRoutes"],
);

const bind = object(
  {
    port,
    listeners: z.array(listener).min(1, { error: "expected at least one listener" }),
  },
  ["tunnelProtocol"],
);

const bytes = z
  .int({ error: "expected a number of bytes" })
  .min(1, { error: "expected a number of bytes" });

/** A port of every interface, `host:port`, or `off`. */
const listenAddress = z.union([
  port,
  z.string().refine(isListenAddress, { error: "expected host:port, :port, a port, or off" }),
]);

function isListenAddress(written: string): boolean {
  const portText = /^(?:(?:\[[0-9A-Fa-f:.]+\]|[\w.-]*):)?(\d{1,5})$/.exec(written)?.[1];
  return written === "off" || (portText !== undefined && port.safeParse(Number(portText)).success);
}

export const configSchema = object(
  {
    config: object({ readinessAddr: listenAddress.optional() }, [
      "adminAddr",
      "statsAddr",
      "logging",
      "tracing",
      "metrics",
      "enableIpv6",
      "network",
      "dns",
      "workerThreads",
      "connectionTerminationDeadline",
      "connectionMinTerminationDeadline",
      "hbone",
      "http2",
      "session",
      "backend",
      "xdsAddress",
      "caAddress",
      "localXdsPath",
    ]).optional(),
    frontendPolicies: object(
      {
        http: object({ maxBufferSize: bytes.optional() }, [
          "http1MaxHeaders",
          "http1IdleTimeout",
          "http2WindowSize",
          "http2ConnectionWindowSize",
          "http2FrameSize",
          "http2KeepaliveInterval",
          "http2KeepaliveTimeout",
        ]).optional(),
      },
      ["tls", "tcp", "accessLog", "tracing", "networkAuthorization"],
    ).optional(),
    binds: z.array(bind).min(1, { error: "expected at least one bind" }),
  },
  [
    "gateways",
    "routes",
    "llm",
    "mcp",
    "policies",
    "workloads",
    "services",
    "backends",
    "listeners",
    "routeGroups",
    "ui",
  ],
);

/** A configuration exactly as YAML or a Pulumi program writes it. */
export type WrittenConfig = z.input<typeof configSchema>;
/** The same after the checks; nothing is defaulted yet. */
export type CheckedConfig = z.output<typeof configSchema>;
