import * as z from "zod";
import { backendAuth, backendTLS } from "./backend-connection.ts";
import { isRecord, object, oneOf } from "./object.ts";
import { positiveDuration } from "./scalar.ts";
import { headerModifier } from "./traffic-policies.ts";

/** A host, with or without a port and a scheme; agentgateway drops the scheme. */
const endpoint = z
  .string()
  .regex(
    /^(?:https?:\/\/)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)(?::\d{1,5})?\/?$/,
    { error: "expected a host such as my-resource.cognitiveservices.azure.com, without a path" },
  )
  .refine((written) => Number(/:(\d{1,5})\/?$/.exec(written)?.[1] ?? 443) - 1 < 65535, {
    error: "expected a port from 1 to 65535",
  });

const apiVersion = z.string().regex(/^\d{4}-\d{2}-\d{2}(-preview)?$/, {
  error: "expected a version such as 2024-09-01",
});

const blocklistName = z.string().regex(/^[0-9A-Za-z._~-]{1,64}$/, {
  error: "expected the name of a blocklist",
});

/** Four levels are asked for, of which 6 is the highest: 7 leaves the verdict to the blocklists. */
const severity = z
  .int({ error: "expected a severity from 1 to 7" })
  .min(1, { error: "expected a severity from 1 to 7" })
  .max(7, { error: "expected a severity from 1 to 7" });

const azureContentSafety = object(
  {
    endpoint,
    policies: object(
      {
        backendAuth: backendAuth
          .refine(({ passthrough }) => passthrough === undefined, {
            path: ["passthrough"],
            when: isMap,
            error: "a guard is called with the gateway's own credential: expected azure or key",
          })
          .optional(),
        backendTLS: backendTLS.optional(),
        http: object({ requestTimeout: positiveDuration.optional() }, ["version"]).optional(),
      },
      ["tcp", "requestHeaderModifier", "transformations", "backendTunnel"],
    ).optional(),
    analyzeText: object({
      severityThreshold: severity.optional(),
      apiVersion: apiVersion.optional(),
      blocklistNames: z.array(blocklistName).optional(),
      haltOnBlocklistHit: z.boolean().optional(),
    }).optional(),
    detectJailbreak: object({ apiVersion: apiVersion.optional() }).optional(),
    failureMode: z
      .enum(["failClosed", "failOpen"], { error: "expected failClosed or failOpen" })
      .optional(),
  },
  ["backendRef"],
);

/** What a caller gets whose text is refused. */
const rejection = object({
  status: z
    .int({ error: "expected an HTTP status from 400 to 599" })
    .min(400, { error: "expected an HTTP status from 400 to 599" })
    .max(599, { error: "expected an HTTP status from 400 to 599" })
    .optional(),
  body: z.string().optional(),
  headers: headerModifier.optional(),
});

const requestKinds = ["regex", "webhook", "openAIModeration", "bedrockGuardrails"];

/** One of the services a prompt or an answer is shown to; agentgateway's others are not here. */
const requestGuard = oneOf(
  {
    rejection: rejection.optional(),
    azureContentSafety: azureContentSafety
      .refine(
        ({ analyzeText, detectJailbreak }) => (analyzeText ?? detectJailbreak) !== undefined,
        {
          when: isMap,
          error: "expected analyzeText or detectJailbreak: without either, nothing is checked",
        },
      )
      .optional(),
  },
  ["azureContentSafety"],
  [...requestKinds, "googleModelArmor"],
);

const responseGuard = oneOf(
  {
    rejection: rejection.optional(),
    azureContentSafety: azureContentSafety
      .refine(({ analyzeText }) => analyzeText !== undefined, {
        when: isMap,
        error: "expected analyzeText: detectJailbreak is for requests alone",
      })
      .optional(),
  },
  ["azureContentSafety"],
  [...requestKinds, "googleModelArmor"],
);

function isMap({ value }: { value: unknown }): boolean {
  return isRecord(value);
}

const lists = object(
  {
    request: z.array(requestGuard).optional(),
    response: z.array(responseGuard).optional(),
  },
  ["streaming"],
);

export type CheckedPromptGuard = z.output<typeof lists>;

/**
 * Who is asked before a prompt goes to a model, and before an answer goes to the caller; in order.
 * Its type is said, not inferred through each of the places it may stand in: TypeScript gives up on
 * types as deep as that.
 */
export const promptGuard: z.ZodType<CheckedPromptGuard, z.input<typeof lists>> = lists;
