import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { checkInputs } from "../../infra/check-inputs.ts";
import { stackInputs } from "../../infra/stack-inputs.ts";
import { bundle } from "./mocked.ts";
import { page } from "./reference.ts";

/** docs/deploy.md says what is so. */

const text = readFileSync(page, "utf8");
const yamls = [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, yaml = ""]): unknown =>
  parse(yaml),
);
const foundry = { create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] } };

before(async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => assert.fail("nothing is registered"), call: () => ({}) },
    "foundry-gateway",
    "test",
    true,
    "acme",
  );
});

describe("its stack configurations", () => {
  test("are there", () => assert.equal(yamls.length, 2));
  for (const yaml of yamls) {
    const config = { ...Object(Object(yaml).config ?? yaml) };
    test(`are taken: ${Object.keys(config).join(", ")}`, () => {
      const given = { "foundry-gateway:foundry": foundry, ...config };
      const texts = Object.entries(given).map(([key, value]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]);
      const inputs = stackInputs("gateway", "foundry-gateway", Object.fromEntries(texts), []);
      checkInputs("gateway", { ...inputs, bundle });
    });
  }
});

test("the npm scripts it names are there", () => {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = ""]) => name);
  for (const name of named) assert.ok(name in manifest.scripts, name);
});
