import * as z from "zod";
import { object, oneOf } from "./object.ts";
import { fieldName, path, regex, text } from "./scalar.ts";

const value = oneOf({ exact: z.string().optional(), regex: regex.optional() }, ["exact", "regex"]);

/** Which requests a route takes; all that is given must hold. */
export const match = object({
  path: oneOf({ exact: path.optional(), pathPrefix: path.optional(), regex: regex.optional() }, [
    "exact",
    "pathPrefix",
    "regex",
  ]).optional(),
  method: z
    .string()
    .regex(/^[A-Za-z]+$/, { error: "expected an HTTP method such as POST" })
    .optional(),
  headers: z.array(object({ name: fieldName, value })).optional(),
  query: z.array(object({ name: text, value })).optional(),
});

export type WrittenMatch = z.input<typeof match>;
