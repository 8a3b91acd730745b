import { readFileSync, writeFileSync } from "node:fs";
import type { PackageSpec } from "@pulumi/pulumi/provider/experimental/schema.js";
import { componentSchema } from "../../infra/schema.ts";

/**
 * The tables of inputs and outputs in docs/deploy.md, from the docstrings of the component.
 * `node test/infra/reference.ts` writes them; a test holds the page to them.
 */

type Property = {
  readonly type?: string;
  readonly $ref?: string;
  readonly items?: Property;
  readonly description?: string;
  readonly additionalProperties?: Property;
};
type Properties = Readonly<Record<string, Property>>;

export const page = new URL("../../docs/deploy.md", import.meta.url);

/** The page with its tables as they should be. */
export function withTables(text: string, { resources, types }: PackageSpec): string {
  const component = resources["foundry-gateway:index:FoundryGateway"];
  const inputs = rows(types, component?.inputProperties ?? {}, component?.requiredInputs ?? [], "");
  const outputs = Object.entries<Property>(component?.properties ?? {}).map(([name, property]) =>
    row(name, property.description),
  );
  return fill(fill(text, "inputs", inputs), "outputs", outputs);
}

function fill(text: string, name: string, lines: readonly string[]): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const table = ["| | |", "| --- | --- |", ...lines].join("\n");
  const pattern = new RegExp(`${start}[\\s\\S]*${end}`);
  return text.replace(pattern, () => `${start}\n\n${table}\n\n${end}`);
}

function rows(
  types: PackageSpec["types"],
  properties: Properties,
  required: readonly string[],
  at: string,
): string[] {
  return Object.entries(properties).flatMap(([name, property]) => {
    const list = property.items === undefined ? "" : "[]";
    const ref = (property.items ?? property).$ref?.replace("#/types/", "");
    const nested = ref === undefined ? undefined : types[ref];
    const mark = required.includes(name) ? " (required)" : "";
    return [
      row(`${at}${name}`, `${property.description ?? ""}${mark}`),
      ...rows(types, nested?.properties ?? {}, nested?.required ?? [], `${at}${name}${list}.`),
    ];
  });
}

function row(name: string, description = ""): string {
  const text = description.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|");
  return `| \`${name}\` | ${text} |`;
}

if (import.meta.main) {
  writeFileSync(page, withTables(readFileSync(page, "utf8"), componentSchema()));
}
