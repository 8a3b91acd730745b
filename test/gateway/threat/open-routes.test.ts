// The threat: a route that spends the gateway's credential for anybody who finds it. Nothing stops
// an operator who wants that, but it is said, with its place, whenever the config is read.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { loadConfig } from "../../../gateway/config/load.ts";
import { type WrittenRoute, model, routes } from "../configuration.ts";

const main = join(import.meta.dirname, "../../../gateway/main.ts");
const credential = { backendAuth: { key: "k" } } as const;
const keys = [{ key: "caller-key" }];
const backends = [model("localhost:1")];
const jwtAuth = { issuer: "i", audiences: ["a"], jwks: { url: "https://i/k" } };
const warning =
  "anyone who reaches this route can spend the gateway's credential: add apiKey or jwtAuth with mode strict";

const warningsOf = (...list: readonly WrittenRoute[]) => {
  const loaded = loadConfig(routes(...list), { env: {}, readFile: () => "" });
  if ("problems" in loaded) return assert.fail(JSON.stringify(loaded.problems));
  return loaded.warnings.map(({ path, message }) => `${path}: ${message}`);
};

type Cases = readonly (readonly [name: string, policies: WrittenRoute["policies"]])[];
const unguarded: Cases = [
  ["no check", credential],
  ["optional keys", { ...credential, apiKey: { keys, mode: "optional" } }],
  ["permissive keys", { ...credential, apiKey: { keys, mode: "permissive" } }],
  ["optional tokens", { ...credential, jwtAuth: { ...jwtAuth, mode: "optional" } }],
  [
    "a rate limit alone",
    { ...credential, localRateLimit: [{ maxTokens: 1, tokensPerFill: 1, fillInterval: "1s" }] },
  ],
  ["CORS alone", { ...credential, cors: { allowOrigins: ["https://a.example"] } }],
];
for (const [name, policies] of unguarded) {
  test(`a credential with ${name} is warned of`, () => {
    assert.deepEqual(warningsOf({ backends, policies }), [
      `binds[0].listeners[0].routes[0]: ${warning}`,
    ]);
  });
}

const guarded: Cases = [
  ["keys", { ...credential, apiKey: { keys } }],
  ["tokens", { ...credential, jwtAuth }],
  ["either, one of them strict", { ...credential, jwtAuth, apiKey: { keys, mode: "optional" } }],
  ["no credential", {}],
  ["the caller's own credential", { backendAuth: { passthrough: {} } }],
];
for (const [name, policies] of guarded) {
  test(`a route with ${name} is not`, () => {
    assert.deepEqual(warningsOf({ backends, policies }), []);
  });
}

test("each open route is named, and a credential at the backend's own level counts", () => {
  const own = [model("localhost:1", { policies: credential })];
  const found = warningsOf(
    { backends, policies: { ...credential, apiKey: { keys } } },
    { backends: own },
    { backends: [{ host: "localhost:2", policies: credential }] },
  );
  assert.deepEqual(
    found.map((line) => line.split(":")[0]),
    ["binds[0].listeners[0].routes[1]", "binds[0].listeners[0].routes[2]"],
  );
});

function open(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "open-routes-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "config.yaml");
  const config = JSON.parse(routes({ backends, policies: credential }));
  writeFileSync(file, JSON.stringify({ ...config, config: { readinessAddr: "off" } }));
  return file;
}

for (const option of ["--validate-only", "--print-effective"]) {
  test(`${option} prints the warning with its place, and accepts the config`, async (t) => {
    const file = open(t);
    const child = spawn(process.execPath, [main, "-f", file, option]);
    const closed = once(child, "close");
    const printed = await text(child.stderr);
    await closed;
    assert.equal(printed, `warning: ${file}:1:48: binds[0].listeners[0].routes[0]: ${warning}\n`);
    assert.equal(child.exitCode, 0);
  });
}

test("the start prints it as well", async (t) => {
  const child = spawn(process.execPath, [main, "-f", open(t)]);
  t.after(() => child.kill("SIGKILL"));
  let printed = "";
  for await (const piece of child.stderr) {
    printed += String(piece);
    if (printed.includes("\n")) break;
  }
  assert.match(printed, /^warning: .*spend the gateway's credential/);
});
