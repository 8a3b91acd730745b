import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer.js";
import { type PackageSpec, generateSchema } from "@pulumi/pulumi/provider/experimental/schema.js";
import manifest from "../package.json" with { type: "json" };

/** The component's schema for Pulumi's other languages, as Pulumi's own analyzer reads it off the types. */
export function componentSchema(): PackageSpec {
  const root = fileURLToPath(new URL("..", import.meta.url));
  // The analyzer looks for the source of a package's main file; ours is the compiled plugin's.
  const source = { main: "infra/foundry-gateway.ts" };
  const analyzer = new Analyzer(root, manifest.name, source, new Set(["FoundryGateway"]));
  const { components, typeDefinitions, dependencies } = analyzer.analyze();
  const { name, version, description } = manifest;
  return generateSchema(name, version, description, components, typeDefinitions, dependencies);
}

if (import.meta.main) {
  const file = new URL("../dist/schema.json", import.meta.url);
  writeFileSync(file, JSON.stringify(componentSchema()));
}
