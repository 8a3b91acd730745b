import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle } from "./mocked.ts";
import { runProgram } from "./run-program.ts";

const { resources, exitCode, log } = await runProgram({
  program: "test/infra/programs/options.ts",
  args: [bundle],
});
const gateway = resources.find(({ name }) => name === "gateway");
const children = resources.filter(({ parent }) => parent === gateway?.urn);
const ofAzure = children.filter(({ type }) => type.startsWith("azure-native:"));

test("the program runs", () => {
  assert.equal(exitCode, 0, log);
  assert.equal(children.length, 11);
});

test("parent: the gateway is below the component it was given to", () => {
  assert.match(gateway?.parent ?? "", /acme:index:Platform::platform$/);
});

test("providers: every Azure resource is made by the provider that was passed", () => {
  assert.equal(ofAzure.length, 10);
  for (const { name, provider } of ofAzure) {
    assert.match(provider, /pulumi:providers:azure-native::elsewhere::/, name);
  }
});

test("protect: nothing of the gateway can be deleted by accident", () => {
  assert.equal(gateway?.protect, true);
  for (const { name, protect } of children) assert.equal(protect, true, name);
});

test("aliases: a renamed gateway keeps its resources", () => {
  assert.deepEqual(gateway?.aliases, ["old-gateway"]);
});
