import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "./engine.ts";
import { install, pack, run } from "./packed.ts";
import { type Plugin, startPlugin } from "./plugin.ts";
import { type Run, repository, runProgram } from "./run-program.ts";

/** The packed tarball, in the hands of those who import it. */

const tsc = join(repository, "node_modules/typescript/bin/tsc");
let packed: ReturnType<typeof pack>;
before(() => {
  assert.ok(existsSync(join(repository, "dist/gateway.sfx.cjs")), "npm run build comes first");
  packed = pack();
});

test("the tarball holds what runs, its types, the bundle and the schema, and no sources or tests", () => {
  const { files } = packed;
  for (const file of [
    "dist/gateway.sfx.cjs",
    "dist/gateway/config/load.js",
    "dist/infra/foundry-gateway.d.ts",
    "dist/infra/foundry-gateway.js",
    "dist/infra/plugin.js",
    "dist/schema.json",
    "PulumiPlugin.yaml",
    "README.md",
  ]) {
    assert.ok(files.includes(file), file);
  }
  assert.deepEqual(
    files.filter((file) => /(^|\/)test\/|\.test\.|(?<!\.d)\.ts$/.test(file)),
    [],
  );
});

describe("a CommonJS TypeScript program, as Pulumi's templates make them", () => {
  let folder: string;
  before(() => {
    folder = install(packed.tarball, "examples/typescript-stack");
  });

  test("type-checks, with either of TypeScript's ways to find a module", () => {
    run(process.execPath, [tsc, "--noEmit"], folder);
    run(
      process.execPath,
      [tsc, "--noEmit", "--module", "commonjs", "--moduleResolution", "node10"],
      folder,
    );
  });

  test("does not type-check with a wrong input", () => {
    const file = join(folder, "wrong.ts");
    const source = readFileSync(join(folder, "index.ts"), "utf8");
    writeFileSync(file, source.replace("port: 3000", "port: {}"));
    const args = [tsc, "--noEmit", "--skipLibCheck", "--module", "nodenext", file];
    assert.throws(
      () => run(process.execPath, args, folder),
      (error) => /error TS2322: .*'\{\}'.* not assignable to type/.test(Object(error).stdout),
    );
  });

  for (const dryRun of [true, false]) {
    test(`makes two gateways in one stack, dry run: ${dryRun}`, async () => {
      const result = await runProgram({
        program: ".",
        cwd: folder,
        dryRun,
        env: { PULUMI_NODEJS_TYPESCRIPT: "true" },
      });
      assert.equal(result.exitCode, 0, result.log);
      assert.deepEqual(gateways(result), ["chat", "jobs"]);
      const urns = result.resources.map(({ urn }) => urn);
      assert.equal(new Set(urns).size, urns.length);
      const jobs = result.resources.filter(({ parent }) => parent.endsWith("::jobs"));
      assert.deepEqual(
        jobs
          .filter(({ read }) => !read)
          .map(({ name }) => name)
          .toSorted(),
        ["jobs-app", "jobs-group", "jobs-identity", "jobs-role"],
      );
      const order = result.resources.map(({ name }) => name);
      const [made, read] = ["chat-deployment-gpt-5-mini", "jobs-deployment-gpt-5-mini"];
      assert.ok(order.includes(made) && order.indexOf(made) < order.indexOf(read));
      if (dryRun) return;
      const { template } = Object(jobs.find(({ name }) => name === "jobs-app")?.inputs);
      assert.equal(template.scale.minReplicas, 0);
      const outputs = result.outputs.get("foundry-gateway-test");
      assert.match(String(outputs?.baseUrl), /^https:\/\/chat-app.*\/openai\/v1$/);
    });
  }
});

test("an ES module in TypeScript, run by Node.js as it is", async () => {
  const folder = install(packed.tarball, undefined);
  writeFileSync(join(folder, "package.json"), '{ "name": "stack", "type": "module" }');
  writeFileSync(
    join(folder, "stack.ts"),
    `import { FoundryGateway, type FoundryGatewayArgs } from "foundry-gateway";
    import { loadConfig } from "foundry-gateway/config";
    import type { WrittenConfig } from "foundry-gateway/config/written";
    const written: WrittenConfig = {
      binds: [{ port: 3000, listeners: [{ routes: [{ policies: { directResponse: { status: 204 } } }] }] }],
    };
    const args: FoundryGatewayArgs = {
      foundry: { create: { deployments: [{ name: "gpt-5-mini" }] } },
      gateway: written,
    };
    const gateway = new FoundryGateway("gateway", args);
    export const config = gateway.gatewayConfig.apply((text) =>
      Object.keys(loadConfig(text, { env: {}, readFile: () => "" })),
    );`,
  );
  const strict = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "nodenext",
    "--target",
    "es2022",
  ];
  run(process.execPath, [tsc, ...strict, "stack.ts"], folder);
  const result = await runProgram({ program: "stack.ts", cwd: folder });
  assert.equal(result.exitCode, 0, result.log);
  assert.deepEqual(result.outputs.get("foundry-gateway-test"), {
    config: ["config", "places", "warnings"],
  });
});

function gateways({ resources }: Run): readonly string[] {
  return resources
    .filter(({ type }) => type === "foundry-gateway:index:FoundryGateway")
    .map(({ name }) => name);
}

describe("a program in another language, through the plugin in the package", () => {
  let engine: Engine;
  let plugin: Plugin;
  before(async () => {
    const folder = install(packed.tarball, undefined);
    engine = await startEngine({});
    plugin = await startPlugin(join(folder, "node_modules/foundry-gateway"), engine);
  });
  after(() => {
    plugin.stop();
    engine.stop();
  });

  test("is given the schema the package was built with", async () => {
    const { resources } = JSON.parse(await plugin.schema());
    assert.deepEqual(Object.keys(resources), ["foundry-gateway:index:FoundryGateway"]);
  });

  test("makes a gateway from text and plain values, secrets among them", async () => {
    const { urn, state } = await plugin.construct("other", {
      foundry: { create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] } },
      callers: { keys: [{ name: "ci", value: secretOutput("k".repeat(40)) }] },
    });
    assert.match(urn, /foundry-gateway:index:FoundryGateway::other$/);
    assert.match(String(state.endpoint), /^https:\/\/other-app/);
    assert.equal(Object(state.callerKey).value, "k".repeat(40));
    assert.ok(engine.resources.some(({ name }) => name === "other-app"));
  });

  test("is refused a wrong input in the same words", async () => {
    await assert.rejects(
      plugin.construct("wrong", { foundry: {}, gateway: "binds: []" }),
      /foundry: expected one of existing, create/,
    );
  });
});

/** A secret inside another value, as an engine passes it to a plugin. */
function secretOutput(value: string) {
  return {
    "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4",
    value,
    secret: true,
  };
}
