// The start with what V8 has compiled before: taken where it fits, and never in the way.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { nodeFlags } from "../../infra/node-flags.ts";

const dist = join(import.meta.dirname, "../../dist");
const run = promisify(execFile);

test("what was compiled at the build is taken, however Node is told its flags", async () => {
  assert.equal(await isTaken(dist, nodeFlags), true);
  assert.equal(await isTaken(dist, [], nodeFlags.join(" ")), true);
});

test("with other flags V8 compiles anew", async () => {
  assert.equal(await isTaken(dist, []), false);
  assert.match(await versionBy(dist, []), /^\d+\.\d+\.\d+$/);
});

test("another bundle of the same length is run as it is written", async (t) => {
  const folder = await copyOf(t);
  const file = join(folder, "gateway.cjs");
  const source = await readFile(file, "latin1");
  const version = await versionBy(folder, nodeFlags);
  const other = source.replaceAll(`"${version}"`, `"${"9".repeat(version.length)}"`);
  assert.notEqual(other, source);
  await writeFile(file, other, "latin1");
  assert.equal(await isTaken(folder, nodeFlags), false);
  assert.equal(await versionBy(folder, nodeFlags), "9".repeat(version.length));
});

test("what was compiled may be damaged, cut short or gone", async (t) => {
  const folder = await copyOf(t);
  const file = join(folder, "gateway.cache");
  const whole = await readFile(file);
  const damaged = Buffer.from(whole);
  damaged.fill(0, 40, 48);
  for (const bytes of [
    damaged,
    whole.subarray(0, 32 + 64),
    whole.subarray(0, 7),
    Buffer.alloc(0),
  ]) {
    await writeFile(file, bytes);
    assert.equal(await isTaken(folder, nodeFlags), false);
    assert.match(await versionBy(folder, nodeFlags), /^\d+\.\d+\.\d+$/);
  }
  await rm(file);
  assert.equal(await isTaken(folder, nodeFlags), false);
  assert.match(await versionBy(folder, nodeFlags), /^\d+\.\d+\.\d+$/);
});

/** A copy of what the image holds. */
async function copyOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "foundry-gateway-start-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of ["start.cjs", "gateway.cjs", "gateway.cache"]) {
    await copyFile(join(dist, name), join(folder, name));
  }
  return folder;
}

async function isTaken(folder: string, flags: readonly string[], options = ""): Promise<boolean> {
  const program = JSON.stringify(join(import.meta.dirname, "../../gateway/program.ts"));
  const bundle = JSON.stringify(join(folder, "gateway.cjs"));
  const script = `import { loadProgram } from ${program}; console.log(loadProgram(${bundle}).cached);`;
  const args = [...flags, "--input-type=module", "--eval", script];
  const { stdout } = await run(process.execPath, args, { env: { NODE_OPTIONS: options } });
  return JSON.parse(stdout);
}

async function versionBy(folder: string, flags: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [
    ...flags,
    join(folder, "start.cjs"),
    "--version",
  ]);
  assert.equal(stderr, "");
  return stdout.trim();
}
