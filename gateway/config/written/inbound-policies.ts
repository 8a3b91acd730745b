import * as z from "zod";
import { object, oneOf } from "./object.ts";
import { fieldName, text } from "./scalar.ts";

/**
 * `strict`: a valid credential is needed. `optional`: a wrong one is refused, none is let through.
 * `permissive`: never refused. agentgateway defaults to optional; here the default is strict.
 */
const mode = z.enum(["strict", "optional", "permissive"], {
  error: "expected strict, optional or permissive",
});

const callerKey = oneOf(
  {
    // A header brings nothing else unchanged.
    key: z
      .string()
      .regex(/^[\x21-\x7e]+$/, { error: "expected a key of ASCII characters without spaces" })
      .optional(),
    keyHash: z
      .string()
      .regex(/^sha256:[0-9a-fA-F]{64}$/, { error: "expected sha256: and 64 hexadecimal digits" })
      .optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    allowedModels: z.array(text).optional(),
  },
  ["key", "keyHash"],
  ["budgets"],
);

/** Callers known by an API key. */
export const apiKey = object(
  {
    keys: z.array(callerKey).min(1, { error: "expected at least one key" }),
    mode: mode.optional(),
    location: object({ header: object({ name: fieldName, prefix: z.string().optional() }) }, [
      "queryParameter",
      "cookie",
      "expression",
    ]).optional(),
  },
  ["budgets"],
);

/** Callers known by a JWT, such as an Entra ID access token. */
export const jwtAuth = object(
  {
    issuer: text,
    audiences: z.array(text).min(1, { error: "expected at least one audience" }),
    jwks: oneOf(
      {
        url: z.url({ protocol: /^https?$/, error: "expected a URL" }).optional(),
        file: text.optional(),
        inline: text.optional(),
      },
      ["url", "file", "inline"],
    ),
    mode: mode.optional(),
    requiredRoles: z.array(text).optional(),
    requiredScopes: z.array(text).optional(),
    algorithms: z.array(text).min(1, { error: "expected at least one algorithm" }).optional(),
  },
  ["jwtValidationOptions", "providers", "mcp"],
);

export type WrittenApiKey = z.input<typeof apiKey>;
export type WrittenJwtAuth = z.input<typeof jwtAuth>;
