import { RE2JS } from "re2js";
import * as z from "zod";

/** A TCP port. */
export const port = z
  .int({ error: "expected a port number from 1 to 65535" })
  .min(1, { error: "expected a port number from 1 to 65535" })
  .max(65535, { error: "expected a port number from 1 to 65535" });

/** Text that says something. */
export const text = z.string().min(1, { error: "expected text, got an empty string" });

/** An absolute HTTP path. */
export const path = z
  .string()
  .regex(/^\/[^\s?#]*$/, { error: "expected a path that starts with / and has no query" });

/** An HTTP field name (RFC 9110, section 5.1). */
export const fieldName = z
  .string()
  .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, { error: "expected an HTTP header name" });

/**
 * RE2 syntax, as agentgateway's: no look-around and no back-references, which is what makes
 * matching take time linear in the input whatever the pattern.
 */
export const regex = z.string().superRefine((pattern, context) => {
  try {
    RE2JS.compile(pattern);
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, "") : "";
    context.addIssue({
      code: "custom",
      message: `not a regular expression (RE2 syntax): ${reason}`,
    });
  }
});

/** A DNS name, or `*.` and a DNS name; compared without case. */
export const hostname = z
  .string()
  .regex(
    /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$/,
    {
      error: "expected a host name such as api.example.com or *.example.com",
    },
  );

const hostAndPort =
  /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?):(\d{1,5})$/;

/** `host:port`, as agentgateway writes targets: the port is mandatory, a scheme is not allowed. */
export const authority = z.string().superRefine((value, context) => {
  const complain = (message: string) => context.addIssue({ code: "custom", message });
  if (value.includes("://")) return complain("expected host:port without a scheme");
  const portText = hostAndPort.exec(value)?.[1];
  if (portText === undefined) {
    return complain("expected host:port such as my-foundry.services.ai.azure.com:443");
  }
  if (Number(portText) < 1 || Number(portText) > 65535)
    complain(`port ${portText} is not from 1 to 65535`);
});

const originShape =
  /^(?:https:\/\/\*|https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d{1,5})?)$/;

/** Scheme and authority of the URLs that callers use; `*` is the host that each of them asked for. */
export const publicOrigin = z
  .string()
  .refine((written) => originShape.test(written) && URL.canParse(written), {
    error: "expected an origin such as https://llm.example.com, or https://*",
  });

/** A span of time as agentgateway writes it: `500ms`, `10s`, `2m`, `1h`, `1m30s`. */
export const duration = z.string().regex(/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/, {
  error: "expected a duration such as 500ms, 10s or 2m",
});

/** A span that is not zero. */
export const positiveDuration = duration.refine((written) => /[1-9]/.test(written), {
  error: "expected a duration above zero",
});

/** The text of an HTTP field (RFC 9110, section 5.5), as far as it can be sent and read alike everywhere. */
export const fieldValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
  error: "expected one line of text that an HTTP header can carry",
});
