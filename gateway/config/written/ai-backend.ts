import * as z from "zod";
import { isRecord, object, oneOf } from "./object.ts";
import { authority, text } from "./scalar.ts";
import { backendPolicies } from "./backend-policies.ts";

const provider = oneOf(
  { openAI: object({ model: text.optional() }).nullable().optional() },
  ["openAI"],
  ["azure", "azureOpenAI", "anthropic", "gemini", "vertex", "bedrock", "custom"],
);

const pathOverride = z
  .string()
  .regex(/^\/\S*$/, { error: "expected a path and query that start with /" });

/** Share of the requests; 0 takes none. */
export const weight = z
  .int({ error: "expected a whole number from 0" })
  .min(0, { error: "expected a whole number from 0" });

/** One model endpoint among several. */
const groupMember = object(
  {
    name: text,
    hostOverride: authority,
    pathOverride: pathOverride.optional(),
    provider,
    weight: weight.optional(),
    policies: backendPolicies.optional(),
  },
  ["pathPrefix", "tokenize"],
);

/** A model endpoint, or groups of them: the first group is used as long as one of it can be. */
export const ai = oneOf(
  {
    name: text.optional(),
    hostOverride: authority.optional(),
    pathOverride: pathOverride.optional(),
    provider: provider.optional(),
    groups: z
      .array(
        object({
          providers: z.array(groupMember).min(1, { error: "expected at least one provider" }),
        }),
      )
      .min(1, { error: "expected at least one group" })
      .optional(),
    policies: backendPolicies.optional(),
  },
  ["provider", "groups"],
  ["pathPrefix", "tokenize"],
)
  .refine(({ groups, name }) => groups !== undefined || name !== undefined, {
    when: isAi,
    path: ["name"],
    error: "required: expected text",
  })
  .refine(({ groups, hostOverride }) => groups !== undefined || hostOverride !== undefined, {
    when: isAi,
    path: ["hostOverride"],
    error: "required: expected host:port such as my-foundry.services.ai.azure.com:443",
  })
  .refine(
    (value) =>
      value.groups === undefined || (value.hostOverride ?? value.pathOverride) === undefined,
    {
      when: isAi,
      error: "hostOverride and pathOverride belong to each provider of a group",
    },
  );

function isAi({ value }: { value: unknown }): boolean {
  return isRecord(value);
}
