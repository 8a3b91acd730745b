import * as z from "zod";
import { configSchema } from "./written.ts";

/** JSON Schema (2020-12) of the configuration as written, for editors. */
export function jsonSchema(): object {
  return {
    $id: "https://foundry-gateway/config.schema.json",
    title: "foundry-gateway configuration",
    ...z.toJSONSchema(configSchema, { io: "input" }),
  };
}
