// What is left out of the bundle is named as dependencies import it. An update may name it otherwise,
// and bring it back without a word, or may begin to ask for more of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";
import { absent } from "../../build/absent.ts";
import { options } from "../../build/options.ts";

const { metafile, warnings } = await build({ ...options, metafile: true, logLevel: "silent" });
const inputs = Object.keys(metafile.inputs);
const imports = Object.entries(metafile.inputs).flatMap(([by, { imports: made }]) =>
  made.map(({ path, original }) => ({ by, path, written: original ?? path })),
);

for (const { import: written, by = /^/ } of absent) {
  test(`${written.source} is imported, and left out`, () => {
    const met = imports.filter((made) => written.test(made.written) && by.test(made.by));
    assert.notDeepEqual(met, []);
    assert.deepEqual(
      met.filter(({ path }) => !path.startsWith("absent:")),
      [],
    );
  });
}

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
