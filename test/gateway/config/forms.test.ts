// The three ways to write a configuration say the same where they can.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../gateway/config/load.ts";
import type { Config } from "../../../gateway/config/run.ts";

function run(source: string): Config {
  const loaded = loadConfig(source, {
    env: {},
    readFile() {
      throw new Error("no files");
    },
  });
  if ("problems" in loaded) assert.fail(loaded.problems.map(({ message }) => message).join("\n"));
  return loaded.config;
}

/** Each port with the routes it leads to. */
function ports(source: string): (string | number)[][] {
  return run(source).binds.map(({ port, listeners }) => [
    port,
    ...listeners.flatMap(({ routes }) => routes.map(({ name }) => name)),
  ]);
}

const provider = "{azure: {resourceName: r, resourceType: foundry, projectName: p, model: m}}";
const route = `
  name: chat
  matches: [{path: {pathPrefix: /chat}}]
  policies: {apiKey: {keys: [{key: k}]}, backendAuth: {azure: {implicit: {}}}}
  backends: [{ai: {name: a, provider: ${provider}}}]`;
const indented = (text: string, by: string) => text.replaceAll("\n", `\n${by}`);

test("a gateway with routes is a bind with a listener", () => {
  const gateways = run(`gateways: {default: {port: 3000}}\nroutes:\n- ${route.trimStart()}`);
  const binds = run(
    `binds:\n- port: 3000\n  listeners:\n  - routes:\n    - ${indented(route.trimStart(), "    ")}`,
  );
  assert.deepEqual(JSON.parse(JSON.stringify(gateways)), JSON.parse(JSON.stringify(binds)));
});

test("a model of the short form is a route's backend, chosen by its name", () => {
  const [bind] = run(`
llm:
  models:
  - {name: a, provider: azure, params: {azureResourceName: r, azureResourceType: foundry, azureProjectName: p, model: m}}
`).binds;
  const [long] = run(`
binds:
- port: 4000
  listeners:
  - routes:
    - backends: [{ai: {name: a, provider: ${provider}}}]
`).binds;
  const [short] = bind?.listeners[0]?.routes ?? [];
  const [written] = long?.listeners[0]?.routes ?? [];
  assert.equal(bind?.port, 4000);
  assert.deepEqual(short?.matches, written?.matches);
  const { traffic, ...rest } = short?.backends[0] ?? {};
  const { traffic: plain, ...expected } = written?.backends[0] ?? {};
  assert.deepEqual(rest, expected);
  assert.deepEqual(traffic, { ...plain, serves: { name: "a", headers: [] } });
});

test("models are looked for by their whole name, then by the longest pattern, then in order", () => {
  const params = "provider: azure, params: {azureResourceName: r, azureResourceType: openAI}";
  const [bind] = run(
    `llm: {models: [${["*", "gpt-*", "b", "gpt-5*", "a"].map((name) => `{name: "${name}", ${params}}`).join(", ")}]}`,
  ).binds;
  assert.deepEqual(
    bind?.listeners[0]?.routes[0]?.backends.map(({ name }) => name),
    ["b", "a", "gpt-5*", "gpt-*", "*"],
  );
});

test("the short form attaches to a gateway named default, and to one it names", () => {
  const models =
    "models: [{name: a, provider: azure, params: {azureResourceName: r, azureResourceType: openAI}}]";
  assert.deepEqual(ports(`llm: {${models}}`), [[4000, "llm"]]);
  assert.deepEqual(ports(`llm: {port: 5000, ${models}}\ngateways: {default: {port: 3000}}`), [
    [3000],
    [5000, "llm"],
  ]);
  assert.deepEqual(ports(`llm: {${models}}\ngateways: {default: {port: 3000}}`), [[3000, "llm"]]);
  assert.deepEqual(
    ports(
      `llm: {gateways: [in, out/b], ${models}}\ngateways: {in: {port: 1}, out: {port: 2, listeners: [{name: a, hostname: a.x}, {name: b}]}}`,
    ),
    [
      [1, "llm"],
      [2, "llm"],
    ],
  );
});
