import assert from "node:assert/strict";
import { existsSync, statSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { type Registered, unknown } from "./engine.ts";
import { type Run, repository, runProgram } from "./run-program.ts";
import { bundle } from "./mocked.ts";

/** The repository's own stack, run by Pulumi's Node.js runtime against the engine stand-in. */

const project: unknown = parse(readFileSync(new URL("../../Pulumi.yaml", import.meta.url), "utf8"));
const { main, runtime } = Object(project);
const secretMark = "4dabf18193072939515e22adb298388d";

const deployments = [{ name: "gpt-5-mini" }, { name: "o4", model: "o4-mini" }];
const config = {
  "foundry-gateway:name": "gateway",
  "foundry-gateway:bundle": bundle,
  "foundry-gateway:foundry": JSON.stringify({ create: { account: "acme-ai", deployments } }),
  "azure-native:location": "swedencentral",
};

test("Pulumi.yaml's main is a file, and Pulumi's own TypeScript stays out of the way", () => {
  assert.ok(existsSync(`${repository}${main}`) && statSync(`${repository}${main}`).isFile());
  assert.equal(runtime.options.typescript, false);
});

describe("pulumi up", async () => {
  const run = await up();

  test("ends well and registers each resource below the component", () => {
    assert.equal(run.exitCode, 0, run.log);
    const component = resource(run, "gateway");
    assert.equal(component.type, "foundry-gateway:index:FoundryGateway");
    const children = run.resources.filter(({ type }) => !/^(pulumi:pulumi|foundry-)/.test(type));
    assert.equal(children.length, 12);
    for (const child of children) assert.equal(child.parent, component.urn, child.name);
  });

  test("deployments are made one after another, the app after all of them and after the role", () => {
    assert.ok(waitsFor(run, "gateway-deployment-gpt-5-mini").includes("gateway-project"));
    assert.ok(waitsFor(run, "gateway-deployment-o4").includes("gateway-deployment-gpt-5-mini"));
    const app = waitsFor(run, "gateway-app");
    for (const name of ["gateway-role", "gateway-deployment-o4", "gateway-project"]) {
      assert.ok(app.includes(name), name);
    }
    assert.ok(!waitsFor(run, "gateway-role").includes("gateway-app"));
  });

  test("the stack's outputs are the component's, and the endpoint can be read", () => {
    const outputs = run.outputs.get("foundry-gateway-test");
    assert.ok(outputs !== undefined);
    assert.deepEqual(outputs, run.outputs.get("gateway"));
    assert.equal(
      outputs.endpoint,
      "https://gateway-app0badf00d.calm-sea-12345678.swedencentral.azurecontainerapps.io",
    );
    assert.equal(outputs.openaiBaseUrl, `${String(outputs.endpoint)}/openai/v1`);
    assert.deepEqual(
      Object.keys(outputs).filter((key) => isSecret(outputs[key])),
      ["callerKey", "callerKeys"],
    );
  });

  test("nothing secret is in the clear anywhere", () => {
    const key = Object(run.outputs.get("gateway")?.callerKey).value;
    assert.equal(typeof key, "string");
    const stash = resource(run, "gateway-caller-key-default");
    assert.deepEqual(stash.inputs, { input: { [secretMark]: secretSignature, value: key } });
    for (const { name, inputs } of run.resources) {
      assert.ok(!clearText(inputs).includes(key), name);
    }
    for (const [name, outputs] of run.outputs) assert.ok(!clearText(outputs).includes(key), name);
    assert.ok(!run.log.includes(key));
  });

  test("the generated key is kept: a later run uses the stashed one and changes nothing", async () => {
    const stash = resource(run, "gateway-caller-key-default");
    assert.deepEqual(stash.ignoreChanges, ["input"]);
    const again = await up({ stashed: new Map([[stash.name, stash.inputs.input]]) });
    assert.deepEqual(again.outputs.get("gateway"), run.outputs.get("gateway"));
    const { template } = resource(again, "gateway-app").inputs;
    assert.deepEqual(template, resource(run, "gateway-app").inputs.template);
  });
});

describe("pulumi preview", async () => {
  const run = await up({ dryRun: true });

  test("registers what up does; what Azure will say is unknown", () => {
    assert.equal(run.exitCode, 0, run.log);
    assert.equal(run.resources.length, 14);
    const outputs = run.outputs.get("gateway");
    assert.equal(outputs?.endpoint, unknown);
    assert.equal(outputs?.foundryEndpoint, "https://acme-ai.services.ai.azure.com");
    assert.ok(isSecret(outputs?.callerKey));
  });

  test("wrong configuration fails it before a resource of ours is registered", async () => {
    const failed = await up({
      dryRun: true,
      config: {
        "foundry-gateway:foundry": JSON.stringify({ create: {}, existing: {} }),
        "foundry-gateway:scales": "{}",
        "foundry-gateway:scale": '{"min":"two"}',
      },
    });
    assert.notEqual(failed.exitCode, 0);
    assert.deepEqual(
      failed.resources.map(({ type }) => type),
      ["pulumi:pulumi:Stack"],
    );
    assert.match(failed.log, /FoundryGateway "gateway" cannot be deployed:/);
    assert.match(failed.log, /foundry\.create\.deployments: required/);
    assert.match(failed.log, /unknown key scales: did you mean scale\?/);
    assert.match(failed.log, /scale\.min: expected a whole number from 0 to 1000/);
    assert.doesNotMatch(failed.log, / {4}at /, "no stack");
  });
});

describe("secrets in the stack's configuration", async () => {
  const value = "given-by-the-operator-0123456789abcdef";
  const run = await up({
    config: {
      "foundry-gateway:callers": JSON.stringify({ keys: [{ name: "ci", value }] }),
      "foundry-gateway:env": JSON.stringify([{ name: "TOKEN", secret: "hush-hush-hush" }]),
    },
    secretKeys: ["foundry-gateway:callers", "foundry-gateway:env"],
  });

  test("stay secret all the way", () => {
    assert.equal(run.exitCode, 0, run.log);
    for (const { name, inputs } of run.resources) {
      assert.ok(!/given-by-the-operator|hush-hush/.test(clearText(inputs)), name);
    }
    assert.ok(isSecret(run.outputs.get("gateway")?.callerKey));
    assert.ok(isSecret(resource(run, "gateway-app").inputs.configuration));
    assert.equal(isSecret(run.outputs.get("gateway")?.endpoint), false);
  });

  test("a configuration that is one is checked all the same, when it is known", async () => {
    const failed = await up({
      dryRun: true,
      config: { "foundry-gateway:gateway": "binds:\n- port: secret-port\n  listeners: []\n" },
      secretKeys: ["foundry-gateway:gateway"],
    });
    assert.notEqual(failed.exitCode, 0);
    assert.match(failed.log, /gateway:2:9: binds\[0\]\.port: expected a port number/);
    assert.doesNotMatch(failed.log, /secret-port/);
  });

  test("are refused where they could not stay one", async () => {
    const failed = await up({ dryRun: true, secretKeys: ["foundry-gateway:foundry"] });
    assert.notEqual(failed.exitCode, 0);
    assert.match(failed.log, /foundry: is a secret in the stack's configuration/);
  });
});

test("the bundle is looked for where npm run build writes it", async () => {
  const { "foundry-gateway:bundle": _, ...rest } = config;
  const run = await runProgram({ program: main, config: rest, dryRun: true });
  const built = fileURLToPath(new URL("../../dist/gateway.sfx.cjs", import.meta.url));
  if (existsSync(built)) assert.equal(run.exitCode, 0, run.log);
  else assert.match(run.log, /gateway\.sfx\.cjs is not there: run npm run build/);
});

function up(options: Partial<Parameters<typeof runProgram>[0]> = {}): Promise<Run> {
  return runProgram({ program: main, ...options, config: { ...config, ...options.config } });
}

function resource({ resources }: Run, name: string): Registered {
  const found = resources.find((one) => one.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

function waitsFor(run: Run, name: string): readonly string[] {
  return resource(run, name).dependencies.map((urn) => urn.split("::").at(-1) ?? "");
}

const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

function isSecret(value: unknown): boolean {
  return Object(value)[secretMark] === secretSignature;
}

/** A value as text, without what is marked secret in it. */
function clearText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (isSecret(item) ? "[secret]" : item));
}
