import * as z from "zod";
import { aiPolicy } from "./ai-policy.ts";
import { backendAuth, backendTLS } from "./backend-connection.ts";
import { object, oneOf } from "./object.ts";
import { duration, hostname, port, text } from "./scalar.ts";

/** What the `Host` header and the path become on their way to the backend. */
export const urlRewrite = object({
  authority: z
    .union(
      [
        z.enum(["auto", "none"]),
        oneOf({ full: text.optional(), host: hostname.optional(), port: port.optional() }, [
          "full",
          "host",
          "port",
        ]),
      ],
      { error: "expected auto, none, or a map with one of full, host, port" },
    )
    .optional(),
  path: oneOf(
    {
      full: z.string().regex(/^\//, { error: "expected a path that starts with /" }).optional(),
      prefix: z.string().regex(/^\//, { error: "expected a path that starts with /" }).optional(),
    },
    ["full", "prefix"],
  ).optional(),
});

/** When a backend that fails is left alone for a while. */
export const health = object(
  {
    eviction: object(
      {
        duration: duration.optional(),
        consecutiveFailures: z
          .int({ error: "expected a whole number from 1" })
          .min(1, { error: "expected a whole number from 1" })
          .optional(),
      },
      ["restoreHealth", "healthThreshold"],
    ).optional(),
  },
  ["unhealthyExpression"],
);

const outsideBackendPolicies = [
  "transformations",
  "requestHeaderModifier",
  "responseHeaderModifier",
  "requestRedirect",
  "requestMirror",
  "mcpAuthorization",
  "a2a",
  "http",
  "tcp",
  "inferenceRouting",
  "authorization",
  "extAuthz",
];

/** What can be said of a backend, at the backend itself, its `ai` part, or its route. */
export const backendPolicies = object(
  {
    backendAuth: backendAuth.optional(),
    backendTLS: backendTLS.optional(),
    health: health.optional(),
    ai: aiPolicy.optional(),
  },
  outsideBackendPolicies,
);

export type WrittenUrlRewrite = z.input<typeof urlRewrite>;
