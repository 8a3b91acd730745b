import * as z from "zod";
import { milliseconds } from "../duration.ts";
import { object, oneOf } from "./object.ts";
import {
  duration,
  fieldName,
  fieldValue,
  hostname,
  port,
  positiveDuration,
  text,
} from "./scalar.ts";

const count = z
  .int({ error: "expected a whole number from 1" })
  .min(1, { error: "expected a whole number from 1" });

/**
 * An origin as browsers write it, `*`, or `*.` for the labels in front of a domain. A star anywhere
 * else would let in names that anybody can register; `null` is every sandboxed page.
 */
const origin = z.string().regex(/^(?:\*|[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?[^\s/*@?#]+(?::\*)?)$/i, {
  error: "expected an origin such as https://app.example.com or https://*.example.com, or *",
});

/** Which browsers' pages may call (WHATWG Fetch, the CORS protocol). */
export const cors = object({
  allowOrigins: z.array(origin).optional(),
  allowMethods: z.array(fieldName).optional(),
  allowHeaders: z.array(fieldName).optional(),
  exposeHeaders: z.array(fieldName).optional(),
  allowCredentials: z.boolean().optional(),
  maxAge: z.union([duration, count], { error: "expected a duration or seconds" }).optional(),
}).refine(
  ({ allowOrigins, allowCredentials }) =>
    allowCredentials !== true || allowOrigins?.includes("*") !== true,
  { error: "allowCredentials with every origin (*) would let any page act for its visitor" },
);

/**
 * Token buckets: `maxTokens` at once, `tokensPerFill` more each `fillInterval`. `per` is this
 * gateway's addition: the whole route shares a bucket, or each caller has one.
 */
export const localRateLimit = z
  .array(
    object({
      maxTokens: count,
      tokensPerFill: count,
      fillInterval: positiveDuration,
      type: z.enum(["requests", "tokens"], { error: "expected requests or tokens" }).optional(),
      per: z.enum(["route", "caller"], { error: "expected route or caller" }).optional(),
    }),
  )
  .min(1, { error: "expected at least one limit" });

/**
 * Below 240 s, at which Container Apps' ingress cuts a silent connection; other proxies cut at 60 s.
 */
export const streamKeepAlive = duration.refine(
  (written) => milliseconds(written) >= 1_000 && milliseconds(written) < 240_000,
  { error: "expected from 1s up to 239s" },
);

/**
 * How long things may take. `requestTimeout` (agentgateway's) runs until the answer begins, over all
 * tries. The phases are additions: connecting, first byte and silence between chunks of one try, and
 * the whole of an answer.
 */
export const timeout = object({
  requestTimeout: positiveDuration.optional(),
  backendRequestTimeout: positiveDuration.optional(),
  connectTimeout: positiveDuration.optional(),
  firstByteTimeout: positiveDuration.optional(),
  idleTimeout: positiveDuration.optional(),
  totalTimeout: positiveDuration.optional(),
});

/** Answers that the same request would get again, wherever it is sent, are not to be retried. */
const retryable = z
  .int({ error: "expected a status" })
  .refine((code) => [408, 409, 425, 429].includes(code) || (code >= 500 && code <= 599), {
    error: "expected 408, 409, 425, 429 or a status from 500 to 599",
  });

/** Tries beyond the first: `attempts: 2` is three in all. */
export const retry = object(
  {
    attempts: z
      .int({ error: "expected a whole number from 0" })
      .min(0, { error: "expected a whole number from 0" })
      .max(20, { error: "expected at most 20" })
      .optional(),
    backoff: duration.optional(),
    codes: z.array(retryable).optional(),
  },
  ["precondition"],
);

const fields = z.record(fieldName, fieldValue);

export const headerModifier = object({
  add: fields.optional(),
  set: fields.optional(),
  remove: z.array(fieldName).optional(),
});

const absolutePath = z
  .string()
  .regex(/^\/[^\s]*$/, { error: "expected a path that starts with /" });

export const requestRedirect = object({
  scheme: z.enum(["http", "https"], { error: "expected http or https" }).optional(),
  authority: oneOf({ full: text.optional(), host: hostname.optional(), port: port.optional() }, [
    "full",
    "host",
    "port",
  ]).optional(),
  path: oneOf({ full: absolutePath.optional(), prefix: absolutePath.optional() }, [
    "full",
    "prefix",
  ]).optional(),
  status: z
    .int({ error: "expected 301, 302, 303, 307 or 308" })
    .refine((status) => [301, 302, 303, 307, 308].includes(status), {
      error: "expected 301, 302, 303, 307 or 308",
    })
    .optional(),
});

export const directResponse = object(
  {
    status: z
      .int({ error: "expected an HTTP status from 200 to 599" })
      .min(200, { error: "expected an HTTP status from 200 to 599" })
      .max(599, { error: "expected an HTTP status from 200 to 599" }),
    body: z.string().optional(),
  },
  ["conditional", "bodyExpression", "headers"],
);
