import { readFileSync } from "node:fs";
import { main } from "@pulumi/pulumi/provider/index.js";
import * as z from "zod";
import { parseArgs } from "./args-shape.ts";
import { FoundryGateway, outputsOf } from "./foundry-gateway.ts";

/**
 * The component for languages other than TypeScript: the file Pulumi starts for PulumiPlugin.yaml,
 * compiled. It serves the schema `npm run build` wrote, so that a start takes no compiler.
 */

const schema = readFileSync(new URL("../schema.json", import.meta.url), "utf8");
const type = "foundry-gateway:index:FoundryGateway";

void main(
  {
    version: z.object({ version: z.string() }).parse(JSON.parse(schema)).version,
    getSchema: () => Promise.resolve(schema),
    construct(name, asked, inputs, options) {
      if (asked !== type) throw new TypeError(`${asked} is not ${type}`);
      const gateway = new FoundryGateway(name, parseArgs(name, inputs), options);
      return Promise.resolve({ urn: gateway.urn, state: outputsOf(gateway) });
    },
  },
  process.argv.slice(2),
);
