import * as z from "zod";
import { ai, weight } from "./ai-backend.ts";
import { aiPolicy } from "./ai-policy.ts";
import { backendAuth, backendTLS } from "./backend-connection.ts";
import { backendPolicies, health, urlRewrite } from "./backend-policies.ts";
import { apiKey, jwtAuth } from "./inbound-policies.ts";
import { match } from "./match.ts";
import { object, oneOf } from "./object.ts";
import { authority, hostname, text } from "./scalar.ts";
import {
  cors,
  directResponse,
  headerModifier,
  localRateLimit,
  requestRedirect,
  retry,
  streamKeepAlive,
  timeout,
} from "./traffic-policies.ts";

/** Keys of agentgateway's route policies that are not here. */
export const outsideRoutePolicies = [
  "basicAuth",
  "remoteRateLimit",
  "requestMirror",
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
export const routePolicies = object(
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
    ai: aiPolicy.optional(),
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

/** Keys of agentgateway's routes that are not here. */
export const outsideRoute = ["ruleName", "inlinePolicies", "routeGroup"];

export const route = object(
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
  outsideRoute,
);

/** The certificate that a listener shows. */
export const serverTls = object({ cert: text, key: text }, [
  "root",
  "minTLSVersion",
  "maxTLSVersion",
  "cipherSuites",
  "mtlsMode",
]);

export const listener = object(
  {
    name: text.optional(),
    hostname: hostname.optional(),
    protocol: z.enum(["HTTP", "HTTPS"], { error: "expected HTTP or HTTPS" }).optional(),
    tls: serverTls.optional(),
    policies: routePolicies.optional(),
    routes: z.array(route).optional(),
  },
  ["namespace", "gatewayName", "tcpRoutes"],
);
