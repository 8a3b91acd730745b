import * as z from "zod";
import { empty, object, oneOf } from "./object.ts";
import { fieldName, hostname, text } from "./scalar.ts";

const spelling = (camel: string, snake: string) => ({
  camel,
  snake,
  message: `expected ${camel} (or ${snake}) once`,
});
const clientSecretFields = [
  spelling("tenantId", "tenant_id"),
  spelling("clientId", "client_id"),
  spelling("clientSecret", "client_secret"),
];

/** The documentation of agentgateway writes camelCase, its parser takes snake_case: both do here. */
const clientSecret = object({
  tenantId: text.optional(),
  clientId: text.optional(),
  clientSecret: text.optional(),
  tenant_id: text.optional(),
  client_id: text.optional(),
  client_secret: text.optional(),
}).superRefine((value: Record<string, unknown>, context) => {
  for (const { camel, snake, message } of clientSecretFields) {
    if ((value[camel] === undefined) === (value[snake] === undefined)) {
      context.addIssue({ code: "custom", message });
    }
  }
});

const userAssignedIdentity = oneOf(
  { clientId: text.optional(), objectId: text.optional(), resourceId: text.optional() },
  ["clientId", "objectId", "resourceId"],
);

const explicitConfig = oneOf(
  {
    clientSecret: clientSecret.optional(),
    managedIdentity: object({ userAssignedIdentity: userAssignedIdentity.optional() })
      .nullable()
      .optional(),
    workloadIdentity: empty().optional(),
  },
  ["clientSecret", "managedIdentity", "workloadIdentity"],
);

const azure = oneOf(
  {
    explicitConfig: explicitConfig.optional(),
    implicit: empty().optional(),
    developerImplicit: empty().optional(),
    scope: z.url({ error: "expected a scope such as https://ai.azure.com/.default" }).optional(),
  },
  ["explicitConfig", "implicit", "developerImplicit"],
);

const key = z.union(
  [
    text,
    oneOf(
      {
        value: text.optional(),
        file: text.optional(),
        location: object({ header: object({ name: fieldName, prefix: z.string().optional() }) }, [
          "queryParameter",
          "cookie",
          "expression",
        ]).optional(),
      },
      ["value", "file"],
    ),
  ],
  { error: "expected the key as text, or a map with value or file" },
);

const credential = oneOf(
  { azure: azure.optional(), key: key.optional(), passthrough: empty().optional() },
  ["azure", "key", "passthrough"],
  ["aws", "gcp", "copilot", "jwtSign", "oauthTokenExchange", "crossAppAccess"],
);

/**
 * How the gateway proves itself to the backend. Its type is said, not inferred through each of the
 * places it may stand in: TypeScript gives up on types as deep as that.
 */
export const backendAuth: z.ZodType<
  z.output<typeof credential>,
  z.input<typeof credential>
> = credential;

/** How the connection to the backend is secured; `{}` is system roots and the target's name. */
export const backendTLS = object(
  {
    root: text.optional(),
    cert: text.optional(),
    key: text.optional(),
    hostname: hostname.optional(),
    insecure: z.boolean().optional(),
    insecureHost: z.boolean().optional(),
  },
  ["alpn", "subjectAltNames"],
)
  .refine((tls) => (tls.cert === undefined) === (tls.key === undefined), {
    error: "a client certificate needs both cert and key",
  })
  .nullable();

export type WrittenBackendAuth = z.input<typeof backendAuth>;
export type WrittenBackendTls = z.input<typeof backendTLS>;
