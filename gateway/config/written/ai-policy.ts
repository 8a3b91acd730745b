import * as z from "zod";
import { object } from "./object.ts";
import { promptGuard } from "./prompt-guard.ts";
import { text } from "./scalar.ts";

/** What a caller's path means, by agentgateway's names for it. */
const format = z.enum(
  [
    "completions",
    "responses",
    "embeddings",
    "messages",
    "anthropicTokenCount",
    "models",
    "realtime",
    "passthrough",
  ],
  {
    error:
      "expected completions, responses, embeddings, messages, anthropicTokenCount, models, realtime or passthrough",
  },
);

const messages = z.array(object({ role: text, content: z.string() }));

/** What is done to a request for a model, and to its answer. */
export const aiPolicy = object(
  {
    defaults: z.record(text, z.unknown()).optional(),
    overrides: z.record(text, z.unknown()).optional(),
    modelAliases: z.record(text, text).optional(),
    prompts: object({ append: messages.optional(), prepend: messages.optional() }).optional(),
    routes: z.record(text, format).optional(),
    promptGuard: promptGuard.optional(),
  },
  ["promptCaching", "transformations", "finalTransformations"],
);

export type WrittenAiPolicy = z.input<typeof aiPolicy>;
