import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import * as z from "zod";
import { argsShape, parseArgs } from "../../infra/args-shape.ts";
import { checkInputs } from "../../infra/check-inputs.ts";
import { componentSchema } from "../../infra/schema.ts";
import { bundle } from "./mocked.ts";
import { page, withTables } from "./reference.ts";

/** What Pulumi's own analyzer reads off the component, for languages other than TypeScript. */

type Property = {
  readonly type?: string;
  readonly $ref?: string;
  readonly items?: Property;
  readonly description?: string;
  readonly optional?: boolean;
};
type Properties = Readonly<Record<string, Property>>;

const schema = componentSchema();
const { resources, types } = schema;
const component = resources["foundry-gateway:index:FoundryGateway"];
assert.ok(component !== undefined);
const inputs: Properties = component.inputProperties ?? {};

test("the component has its type token, and the gateway's configuration is text", () => {
  assert.equal(component.isComponent, true);
  assert.equal(inputs.gateway?.type, "string");
  assert.deepEqual(component.requiredInputs, ["foundry"]);
});

test("every input and output is described", () => {
  const properties = Object.entries({ ...inputs, ...Object(component.properties) });
  for (const [type, { properties: nested }] of Object.entries(types)) {
    for (const [name, property] of Object.entries(nested ?? {})) {
      properties.push([`${type}.${name}`, property]);
    }
  }
  for (const [name, property] of properties) {
    assert.ok(Object(property).description, `${name} has a description`);
  }
});

test("the check at run time knows the same inputs, at every depth, and asks for the same ones", () => {
  const checked = z.toJSONSchema(argsShape, { io: "input", unrepresentable: "any" });
  assert.deepEqual(checkedPaths(checked), schemaPaths(inputs, component.requiredInputs ?? []));
});

test("docs/deploy.md has its docstrings as tables; node test/infra/reference.ts writes them", () => {
  const text = readFileSync(page, "utf8");
  assert.equal(unaligned(text), unaligned(withTables(text, schema)));
});

test("the YAML example gives inputs the schema has and the component takes", async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => assert.fail("nothing is registered"), call: () => ({}) },
    "foundry-gateway",
    "test",
    true,
    "acme",
  );
  const file = new URL("../../examples/yaml-stack/Pulumi.yaml", import.meta.url);
  const example: unknown = parse(readFileSync(file, "utf8"));
  const { gateway } = Object(example).resources;
  assert.equal(gateway.type, "foundry-gateway:index:FoundryGateway");
  checkInputs("gateway", parseArgs("gateway", { ...gateway.properties, bundle }));
});

/** `callers.keys[].name!` for each input, with a mark where it is required. */
function schemaPaths(properties: Properties, required: readonly string[], at = ""): string[] {
  return Object.entries(properties)
    .flatMap(([name, property]) => {
      const path = `${at}${name}`;
      const list = property.items === undefined ? "" : "[]";
      const ref = (property.items ?? property).$ref?.replace("#/types/", "");
      const nested = ref === undefined ? undefined : types[ref];
      const mark = required.includes(name) ? "!" : "";
      const below = schemaPaths(
        nested?.properties ?? {},
        nested?.required ?? [],
        `${path}${list}.`,
      );
      return [`${path}${mark}`, ...below];
    })
    .toSorted();
}

function checkedPaths(shape: unknown, at = ""): string[] {
  const { properties = {}, required = [] } = Object(shape);
  return Object.entries(properties)
    .flatMap(([name, property]) => {
      const path = `${at}${name}`;
      const { items } = Object(property);
      const mark = required.includes(name) ? "!" : "";
      const list = items === undefined ? "" : "[]";
      return [`${path}${mark}`, ...checkedPaths(items ?? property, `${path}${list}.`)];
    })
    .toSorted();
}

/** Prettier aligns a table's columns; what they hold is what counts. */
function unaligned(markdown: string): string {
  return markdown.replaceAll(/ {2,}/g, " ").replaceAll(/-{3,}/g, "---");
}
