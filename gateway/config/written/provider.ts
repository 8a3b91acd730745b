import * as z from "zod";
import { object, oneOf } from "./object.ts";
import { hostname, text } from "./scalar.ts";

/** The name of an account, which is the first label of its host. */
export const resourceName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/, { error: "expected the name of a resource" });

/** `aiServices` is `foundry`, and `azureOpenAI` is `openAI`, by another name. */
export const resourceType = z.enum(["openAI", "foundry", "aiServices", "azureOpenAI"], {
  error: "expected openAI, foundry or aiServices",
});

export const projectName = z
  .string()
  .regex(/^[\w.-]+$/, { error: "expected the name of a Foundry project" });

export const apiVersion = z.string().regex(/^(v1|preview|\d{4}-\d{2}-\d{2}(-preview)?)$/, {
  error: "expected v1, preview, or a version such as 2024-10-21",
});

/** Whose API the backend speaks, and where. */
export const provider = oneOf(
  {
    openAI: object({ model: text.optional() }).nullable().optional(),
    azure: object({
      resourceName,
      resourceType,
      projectName: projectName.optional(),
      apiVersion: apiVersion.optional(),
      model: text.optional(),
    }).optional(),
    azureOpenAI: object({
      host: hostname.regex(/^[^*]/, { error: "expected one host, without *" }),
      apiVersion: apiVersion.optional(),
      model: text.optional(),
    }).optional(),
  },
  ["openAI", "azure", "azureOpenAI"],
  ["anthropic", "gemini", "vertex", "bedrock", "copilot", "custom"],
);
