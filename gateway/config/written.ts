import * as z from "zod";
import { attachedRoute, gateways } from "./written/gateways.ts";
import { llm } from "./written/llm.ts";
import { isRecord, object } from "./written/object.ts";
import { listener } from "./written/route.ts";
import { port, publicOrigin } from "./written/scalar.ts";

/**
 * The configuration as written: agentgateway's grammar, its Azure part. One schema gives the types,
 * the checks and the JSON Schema. The lists of names behind an object are agentgateway's keys that
 * this gateway does not have.
 */

const bind = object(
  {
    port,
    listeners: z.array(listener).min(1, { error: "expected at least one listener" }),
  },
  ["tunnelProtocol", "mode", "protocol"],
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

const settings = {
  readinessAddr: listenAddress.optional(),
  publicOrigin: publicOrigin.optional(),
};

export const configSchema = object(
  {
    config: object(settings, [
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
      "caAuthToken",
      "xdsAuthToken",
      "namespace",
      "gateway",
      "trustDomain",
      "additionalTrustDomains",
      "skipValidateTrustDomain",
      "serviceAccount",
      "clusterId",
      "mcp",
      "modelCatalog",
      "standardAttributes",
      "database",
      "storage",
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
      [
        "tls",
        "tcp",
        "accessLog",
        "logging",
        "tracing",
        "networkAuthorization",
        "networkExtAuthz",
        "proxyProtocol",
        "proxy",
        "connect",
        "substrateEgressActorResolution",
      ],
    ).optional(),
    binds: z.array(bind).min(1, { error: "expected at least one bind" }).optional(),
    gateways: gateways.optional(),
    routes: z.array(attachedRoute).min(1, { error: "expected at least one route" }).optional(),
    llm: llm.optional(),
  },
  [
    "tcpRoutes",
    "mcp",
    "policies",
    "workloads",
    "services",
    "backends",
    "listeners",
    "routeGroups",
    "ui",
  ],
).refine(({ binds, gateways: named, llm: short }) => (binds ?? named ?? short) !== undefined, {
  when: ({ value }) => isRecord(value) && !("mcp" in value),
  error: "expected binds, gateways with routes, or llm",
});

/** A configuration exactly as YAML or a Pulumi program writes it. */
export type WrittenConfig = z.input<typeof configSchema>;
/** The same after the checks; nothing is defaulted yet. */
export type CheckedConfig = z.output<typeof configSchema>;
