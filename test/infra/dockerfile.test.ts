import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { nodeFlags } from "../../infra/node-flags.ts";
import { deploy, only } from "./mocked.ts";
import { repository } from "./run-program.ts";

/** The image is not built here (that needs a Docker engine): what it says is held to the component. */

const lines = readFileSync(`${repository}Dockerfile`, "utf8").split("\n");
const ignored = readFileSync(`${repository}.dockerignore`, "utf8").split("\n");

test("every stage stands on the base that was given, and the last is small and nobody's", () => {
  const stages = lines.filter((line) => line.startsWith("FROM "));
  assert.ok(stages.length > 1);
  for (const stage of stages) assert.match(stage, /^FROM \$\{BASE\}/);
  const last = lines.slice(lines.lastIndexOf(stages.at(-1) ?? ""));
  assert.ok(last.some((line) => /^USER [1-9]\d*:[1-9]\d*$/.test(line)));
  assert.ok(!last.some((line) => line.startsWith("RUN ")));
});

test("what is copied is there, and let through", () => {
  for (const line of lines.filter((text) => /^COPY (?!--from)/.test(text))) {
    for (const path of line.split(" ").slice(1, -1)) {
      assert.ok(existsSync(`${repository}${path}`), path);
      assert.ok(ignored.includes(`!${path}`), path);
    }
  }
});

test("what is copied is all that the bundle is built from", async (t) => {
  const source = await mkdtemp(join(tmpdir(), "foundry-gateway-image-"));
  t.after(() => rm(source, { recursive: true }));
  for (const line of lines.filter((text) => /^COPY (?!--from)/.test(text))) {
    const [target = "", ...paths] = line.split(" ").slice(1).toReversed();
    for (const path of paths) {
      const into = target.endsWith("/") ? join(target, basename(path)) : join(target);
      const file = join(source, into === "." ? path : into);
      await cp(`${repository}${path}`, file, { recursive: true });
    }
  }
  await symlink(`${repository}node_modules`, join(source, "node_modules"));
  await promisify(execFile)(process.execPath, ["build/bundle.ts"], { cwd: source });
  assert.ok(existsSync(join(source, "dist/gateway.cjs")));
});

test("the image reads its configuration where the component mounts it", async () => {
  const { resources } = await deploy({
    foundry: { create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] } },
    image: { name: "acme.azurecr.io/foundry-gateway:1" },
  });
  const { template } = Object(only(resources, "azure-native:app:ContainerApp").inputs);
  const command = lines.find((line) => line.startsWith("CMD ")) ?? "";
  assert.deepEqual(
    JSON.parse(command.slice("CMD ".length)),
    template.containers[0].args.slice(0, 2),
  );
  const entryPoint = JSON.stringify(["node", ...nodeFlags, "/app/gateway.cjs"]).replaceAll(
    ",",
    ", ",
  );
  assert.ok(lines.includes(`ENTRYPOINT ${entryPoint}`));
});
