// An answer with a whole body, and the error answers of Azure OpenAI in Azure's words.
import { randomUUID } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";

export type Answer = {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
};

/** What API Management puts on every answer of Azure OpenAI, errors included. */
export function azureHeaders(): OutgoingHttpHeaders {
  return {
    "apim-request-id": randomUUID(),
    "x-request-id": randomUUID(),
    "x-ms-region": "East US 2",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "x-content-type-options": "nosniff",
  };
}

export function jsonAnswer(
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): Answer {
  return {
    status,
    headers: { ...azureHeaders(), "content-type": "application/json", ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

const error = (status: number, code: string, message: string): Answer =>
  jsonAnswer(status, { error: { code, message } });

/** The shape in which the model's own front end refuses a body. */
export const invalidRequest = (message: string, param: string | null = null): Answer =>
  jsonAnswer(400, { error: { message, type: "invalid_request_error", param, code: null } });

export const unauthorized = (
  message = "Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.",
): Answer => error(401, "401", message);

export const wrongKey = (): Answer =>
  unauthorized(
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.",
  );

export const resourceNotFound = (): Answer => error(404, "404", "Resource not found");

export const deploymentNotFound = (): Answer =>
  error(
    404,
    "DeploymentNotFound",
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.",
  );

export type RateLimit = {
  /** Each header is sent only when given; without any: `retry-after: 1`, `retry-after-ms: 1000`. */
  readonly retryAfter?: number | string;
  readonly retryAfterMs?: number;
  readonly xMsRetryAfterMs?: number;
  /** Seconds. */
  readonly resetRequests?: number | string;
  readonly resetTokens?: number | string;
};

export function rateLimited(limit: RateLimit): Answer {
  const given = Object.entries({
    "retry-after": limit.retryAfter,
    "retry-after-ms": limit.retryAfterMs,
    "x-ms-retry-after-ms": limit.xMsRetryAfterMs,
    "x-ratelimit-reset-requests": limit.resetRequests,
    "x-ratelimit-reset-tokens": limit.resetTokens,
  }).filter(([, value]) => value !== undefined);
  const waits = given.length === 0 ? { "retry-after": "1", "retry-after-ms": "1000" } : {};
  return jsonAnswer(
    429,
    {
      error: {
        code: "429",
        message:
          "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded the call rate limit of your current pricing tier. Please retry later.",
      },
    },
    {
      ...waits,
      ...Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
      "x-ratelimit-limit-requests": "10",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-remaining-tokens": "0",
    },
  );
}

const filtered = { filtered: false, severity: "safe" };

export const contentFiltered = (): Answer =>
  jsonAnswer(400, {
    error: {
      message:
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
      type: null,
      param: "prompt",
      code: "content_filter",
      status: 400,
      innererror: {
        code: "ResponsibleAIPolicyViolation",
        content_filter_result: {
          hate: filtered,
          self_harm: filtered,
          sexual: filtered,
          violence: { filtered: true, severity: "medium" },
        },
      },
    },
  });
