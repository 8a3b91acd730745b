// The JSON Schema that editors take. No validator is among the dependencies, so the schema is read
// by one of a page: the keywords below are all that the schema uses, and any other fails the test.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { jsonSchema } from "../../../gateway/config/json-schema.ts";

const golden = join(import.meta.dirname, "golden");
const examples = join(import.meta.dirname, "../../../examples");

type Json = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function mapOf(value: unknown): Json {
  assert.ok(isMap(value));
  return value;
}
function listOf(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value));
  return value;
}
function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

const root = mapOf(jsonSchema());

/** Whether a value is as a keyword wants it. */
const keywords: Readonly<Record<string, (want: unknown, value: unknown, schema: Json) => boolean>> =
  {
    type: (want, value) => (want === "integer" ? Number.isInteger(value) : want === typeOf(value)),
    enum: (want, value) => listOf(want).includes(value),
    const: (want, value) => want === value,
    pattern: (want, value) =>
      typeof value !== "string" || new RegExp(String(want), "u").test(value),
    format: () => true,
    minLength: (want, value) => typeof value !== "string" || value.length >= Number(want),
    minimum: (want, value) => typeof value !== "number" || value >= Number(want),
    maximum: (want, value) => typeof value !== "number" || value <= Number(want),
    minItems: (want, value) => !Array.isArray(value) || value.length >= Number(want),
    items: (want, value) => !Array.isArray(value) || value.every((item) => holds(want, item)),
    required: (want, value) =>
      !isMap(value) || listOf(want).every((key) => Object.hasOwn(value, String(key))),
    properties: (want, value) =>
      !isMap(value) ||
      Object.entries(mapOf(want)).every(
        ([key, schema]) => !Object.hasOwn(value, key) || holds(schema, value[key]),
      ),
    propertyNames: (want, value) =>
      !isMap(value) || Object.keys(value).every((key) => holds(want, key)),
    additionalProperties: (want, value, schema) =>
      !isMap(value) ||
      Object.keys(value)
        .filter((key) => !Object.hasOwn(mapOf(schema["properties"] ?? {}), key))
        .every((key) => holds(want, value[key])),
    anyOf: (want, value) => listOf(want).some((each) => holds(each, value)),
    oneOf: (want, value) => listOf(want).filter((each) => holds(each, value)).length === 1,
    allOf: (want, value) => listOf(want).every((each) => holds(each, value)),
    $ref: (want, value) => holds(resolve(String(want)), value),
  };
const annotations = new Set(["$schema", "$id", "$defs", "title", "description", "default"]);

function resolve(reference: string): unknown {
  return reference
    .split("/")
    .slice(1)
    .reduce<unknown>((schema, step) => mapOf(schema)[step], root);
}

function holds(schema: unknown, value: unknown): boolean {
  if (typeof schema === "boolean") return schema;
  const map = mapOf(schema);
  return Object.entries(map).every(([keyword, want]) => {
    if (annotations.has(keyword)) return true;
    const check = keywords[keyword];
    assert.ok(check !== undefined, `the schema uses ${keyword}`);
    return check(want, value, map);
  });
}

function read(directory: string, name: string): unknown {
  return parse(readFileSync(join(directory, name), "utf8"));
}

describe("the schema takes what the gateway takes", () => {
  // A reference to the environment is text until it is replaced: an editor cannot know better.
  const withoutNumbers = ["environment.yaml", "readiness-from-environment.yaml"];
  for (const directory of [join(golden, "good"), examples]) {
    const names = readdirSync(directory).filter(
      (name) =>
        name.endsWith(".yaml") &&
        !name.endsWith(".effective.yaml") &&
        !withoutNumbers.includes(name),
    );
    for (const name of names) {
      test(name, () => assert.ok(holds(root, read(directory, name))));
    }
  }
});

describe("the schema refuses what a schema can", () => {
  const names = [
    "empty-lists",
    "known-to-agentgateway",
    "many-mistakes",
    "matches",
    "no-alternative",
    "no-binds",
    "not-a-map",
    "path-override",
    "ports",
    "snake-case",
    "two-alternatives",
    "typos",
    "unknown-keys",
    "wrong-types",
  ];
  for (const name of names) {
    test(name, () => assert.ok(!holds(root, read(join(golden, "bad"), `${name}.yaml`))));
  }
});

test("every map with known keys refuses the others, so that an editor marks a typo", () => {
  let maps = 0;
  const visit = (schema: unknown): void => {
    if (Array.isArray(schema)) return schema.forEach(visit);
    if (!isMap(schema)) return;
    if (isMap(schema["properties"]) && schema["type"] === "object") {
      maps += 1;
      assert.equal(schema["additionalProperties"], false);
    }
    Object.values(schema).forEach(visit);
  };
  visit(root);
  assert.ok(maps > 20, String(maps));
});

test("a schema names itself and its dialect", () => {
  assert.equal(root["$schema"], "https://json-schema.org/draft/2020-12/schema");
  assert.equal(typeof root["title"], "string");
});
