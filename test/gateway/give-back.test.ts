import assert from "node:assert/strict";
import { once } from "node:events";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { giveBackWhenQuiet } from "../../gateway/give-back.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("collects once, when nothing is under way and not before", async () => {
  let underWay = 1;
  const collected: unknown[] = [];
  giveBackWhenQuiet(
    () => underWay === 0,
    (options) => collected.push(options),
  );
  await pause(700);
  assert.deepEqual(collected, []);
  underWay = 0;
  await pause(1_000);
  assert.equal(collected.length, 1);
});

test("V8 takes what it is told, and a process that does not have it goes on without", async () => {
  const script = `
    import { giveBackWhenQuiet } from "./gateway/give-back.ts";
    giveBackWhenQuiet(() => true);
    setTimeout(() => console.log("went on"), 400);`;
  for (const flags of [["--expose-gc", "--trace-gc"], ["--trace-gc"]]) {
    const child = spawn(process.execPath, [...flags, "--input-type=module", "-e", script], {
      cwd: root,
    });
    let said = "";
    child.stdout.on("data", (chunk) => (said += String(chunk)));
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    assert.match(said, /went on/);
    assert.equal(/Mark-Compact/.test(said), flags.includes("--expose-gc"));
  }
});
