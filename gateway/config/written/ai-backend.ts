import * as z from "zod";
import { backendPolicies } from "./backend-policies.ts";
import { isRecord, object, oneOf } from "./object.ts";
import { provider } from "./provider.ts";
import { authority, path, text } from "./scalar.ts";

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
    hostOverride: authority.optional(),
    pathOverride: pathOverride.optional(),
    pathPrefix: path.optional(),
    provider,
    weight: weight.optional(),
    policies: backendPolicies.optional(),
  },
  ["tokenize"],
).superRefine(checkEndpoint);

/** A model endpoint, or groups of them: the first group is used as long as one of it can be. */
export const ai = oneOf(
  {
    name: text.optional(),
    hostOverride: authority.optional(),
    pathOverride: pathOverride.optional(),
    pathPrefix: path.optional(),
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
  ["tokenize"],
)
  .refine(({ groups, name }) => groups !== undefined || name !== undefined, {
    when: isAi,
    path: ["name"],
    error: "required: expected text",
  })
  .refine(
    (value) =>
      value.groups === undefined ||
      (value.hostOverride ?? value.pathOverride ?? value.pathPrefix) === undefined,
    {
      when: isAi,
      error: "hostOverride, pathOverride and pathPrefix belong to each provider of a group",
    },
  )
  .superRefine((value, context) => {
    if (value.groups === undefined) checkEndpoint(value, context);
  });

function isAi({ value }: { value: unknown }): boolean {
  return isRecord(value);
}

type WrittenEndpoint = {
  readonly hostOverride?: string | undefined;
  readonly pathOverride?: string | undefined;
  readonly pathPrefix?: string | undefined;
  readonly provider?: z.output<typeof provider> | undefined;
};

function checkEndpoint(written: WrittenEndpoint, context: z.RefinementCtx): void {
  if (written.provider?.openAI !== undefined && written.hostOverride === undefined) {
    context.addIssue({
      code: "custom",
      path: ["hostOverride"],
      message: "required: expected host:port such as my-foundry.services.ai.azure.com:443",
    });
  }
  if (written.pathOverride !== undefined && written.pathPrefix !== undefined) {
    context.addIssue({
      code: "custom",
      path: ["pathPrefix"],
      message: "pathOverride leaves nothing for pathPrefix to stand before",
    });
  }
}
