import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { createLog, gathered } from "../../gateway/access-log.ts";

function collecting() {
  const written: string[] = [];
  return { written, sink: { write: (text: string) => void written.push(text) } };
}

test("lines that come together are written together, in their order, and without waiting for more", async () => {
  const { written, sink } = collecting();
  const output = gathered(sink);
  const log = createLog(output);
  log.info("one");
  log.warn("two");
  assert.deepEqual(written, []);
  while (written.length === 0) await pause(5);
  assert.equal(written.length, 1);
  const lines = String(written[0]).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => Object(JSON.parse(line)).msg),
    ["one", "two"],
  );
});

test("much at once does not wait", () => {
  const { written, sink } = collecting();
  const output = gathered(sink);
  const line = `${"x".repeat(1023)}\n`;
  for (let index = 0; index < 33; index += 1) output.write(line);
  assert.deepEqual(
    written.map(({ length }) => length),
    [16 * 1024, 16 * 1024],
  );
  output.flush();
  assert.equal(written.join(""), line.repeat(33));
});

test("what waits at the end is written by flush, once", async () => {
  const { written, sink } = collecting();
  const output = gathered(sink);
  output.write("last\n");
  output.flush();
  output.flush();
  await pause(30);
  assert.deepEqual(written, ["last\n"]);
});
