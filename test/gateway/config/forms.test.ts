// The three ways to write a configuration say the same where they can.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { printEffective } from "../../../gateway/config/effective.ts";
import { loadConfig } from "../../../gateway/config/load.ts";
import type { Config } from "../../../gateway/config/run.ts";
import { makeFiles } from "./surroundings.ts";

const readFile = await makeFiles();

function run(source: string): Config {
  const loaded = loadConfig(source, { env: {}, readFile });
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

const inbound =
  "{apiKey: {keys: [{key: k}]}, cors: {allowOrigins: [https://a.example.com]}, timeout: {requestTimeout: 10s}}";
const auth = "{azure: {explicitConfig: {managedIdentity: {}}}}";
const body = "defaults: {temperature: 0.5}, overrides: {store: false}";
const backends = `
  name: llm
  policies: ${inbound}
  backends:
  - policies: {backendAuth: ${auth}, health: {eviction: {duration: 10s}}, ai: {${body}}}
    ai: {name: gpt-5-long, provider: {azure: {resourceName: r, resourceType: openAI, apiVersion: 2024-10-21, model: n}}}
  - policies: {backendAuth: {key: {value: s, location: {header: {name: api-key}}}}}
    ai: {name: gpt-5, provider: {azure: {resourceName: s, resourceType: foundry, projectName: p}}}`;
const shortForm = `
  policies: ${inbound}
  models:
  - {name: gpt-5-long, provider: azure, auth: ${auth}, health: {eviction: {duration: 10s}}, ${body}, params: {azureResourceName: r, azureResourceType: openAI, azureApiVersion: 2024-10-21, model: n}}
  - {name: gpt-5, provider: azure, params: {azureResourceName: s, azureResourceType: foundry, azureProjectName: p, apiKey: s}}`;

test("the three ways to write one thing print the same, but for the model that llm chooses by", () => {
  const binds = `binds:\n- port: 4000\n  listeners:\n  - routes:\n    - ${indented(backends.trimStart(), "    ")}`;
  const printed = printEffective(run(binds));
  const gateways = `gateways: {default: {port: 4000}}\nroutes:\n- ${backends.trimStart()}`;
  assert.equal(printEffective(run(gateways)), printed);
  const llm = printEffective(run(`llm: ${shortForm}`));
  const withoutChoice: unknown = parse(llm, (key, value: unknown) =>
    key === "serves" ? undefined : value,
  );
  assert.deepEqual(withoutChoice, parse(printed));
  assert.equal(llm.match(/serves:/g)?.length, 2);
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
      `llm: {tls: {cert: server.pem, key: server.key}, ${models}}\ngateways: {default: {port: 3000}}`,
    ),
    [[3000], [4000, "llm"]],
  );
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
