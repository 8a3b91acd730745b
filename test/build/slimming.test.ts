// What is left out of the bundle is named as dependencies import it. An update may name it otherwise,
// and bring it back without a word, or may begin to ask for more of it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { build } from "esbuild";
import { absent } from "../../build/absent.ts";
import { lighter } from "../../build/lighter.ts";
import { options } from "../../build/options.ts";

const { metafile, warnings } = await build({ ...options, metafile: true, logLevel: "silent" });
const inputs = Object.keys(metafile.inputs);
const imports = Object.entries(metafile.inputs).flatMap(([by, { imports: made }]) =>
  made.map(({ path, original }) => ({ by, path, written: original ?? path })),
);

for (const [namespace, parts] of Object.entries({ absent, lighter })) {
  for (const { import: written, by = /^/ } of parts) {
    test(`${written.source} is imported, and stands there as ${namespace}`, () => {
      const met = imports.filter(
        ({ written: name, by: who }) =>
          written.test(name) && by.test(who) && !who.startsWith(`${namespace}:`),
      );
      assert.notDeepEqual(met, []);
      assert.deepEqual(
        met.filter(({ path }) => !path.startsWith(`${namespace}:`)),
        [],
      );
    });
  }
}

test("of node:assert, nothing is used but the call", async () => {
  const askers = imports.filter(
    ({ path }) => path === "lighter:assert" || path === "lighter:node:assert",
  );
  assert.notDeepEqual(askers, []);
  for (const { by } of askers) {
    // Paths are relative to where esbuild runs, which is here.
    const source = await readFile(by, "utf8");
    assert.doesNotMatch(source, /\bassert(?:_1)?(?:\.default)?\.(?!default\b)[a-z]\w*\(/i, by);
    assert.doesNotMatch(source, /\}\s*=\s*require\(["'](?:node:)?assert/, by);
  }
});

test("nothing is expected of what is left out but what stands there", () => {
  assert.deepEqual(warnings, []);
});

test("of undici, neither fetch nor a second parser is in it", () => {
  const undici = inputs.filter((path) => path.includes("/undici/lib/"));
  assert.notDeepEqual(undici, []);
  const unwanted = /\/undici\/lib\/(?:web|mock|cache|interceptor)\//;
  assert.deepEqual(
    undici.filter((path) => unwanted.test(path)),
    [],
  );
  const milo = Object.entries(Object.values(metafile.outputs)[0]?.inputs ?? {}).filter(
    ([path, { bytesInOutput }]) => path.includes("/milo/") && bytesInOutput > 0,
  );
  assert.deepEqual(milo, []);
});
