// What is printed for agentgateway means the same here, and holds nothing that is ours alone.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { printAgentgateway } from "../../../gateway/config/agentgateway.ts";
import { type Loaded, loadConfig } from "../../../gateway/config/load.ts";
import { env, makeFiles } from "./surroundings.ts";

const readFile = await makeFiles();

function run(source: string): unknown {
  const loaded: Loaded = loadConfig(source, { env, readFile });
  assert.ok("config" in loaded, "it is valid");
  return JSON.parse(JSON.stringify(loaded.config));
}

const good = join(import.meta.dirname, "golden/good");
const examples = join(import.meta.dirname, "../../../examples");
const files = [good, examples].flatMap((directory) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".yaml") && !name.endsWith(".effective.yaml"))
    .map((name) => join(directory, name)),
);

describe("every valid configuration can be taken back to agentgateway", () => {
  for (const file of files) {
    const source = readFileSync(file, "utf8");
    if ("problems" in loadConfig(source, { env, readFile })) continue;
    test(basename(file), () => {
      const printed = printAgentgateway(source);
      const lost = /^# agentgateway has no .*\n/gm;
      if (!lost.test(printed)) assert.deepEqual(run(printed), run(source));
      assert.equal(printAgentgateway(printed), printed.replaceAll(lost, ""));
    });
  }
});

const source = `
binds:
- port: 3000
  listeners:
  - policies:
      cors: {allowOrigins: ["*"]}
      apiKey: {keys: [{key: "\${CALLER_KEY:-k}", allowedModels: [a]}]}
    routes:
    - policies:
        streamKeepAlive: 20s
        timeout: {requestTimeout: 10s, idleTimeout: 5s}
        backendAuth:
          azure:
            scope: https://ai.azure.com/.default
            explicitConfig: {clientSecret: {tenantId: t, clientId: c, clientSecret: $AZURE_CLIENT_SECRET}}
      backends:
      - ai: {name: a, hostOverride: "a.openai.azure.com:443", provider: {openAI: {}}}
config: {readinessAddr: 16000, publicOrigin: "https://*"}
`;

test("additions go, and are named; other defaults are written out; secrets stay references", () => {
  assert.equal(
    printAgentgateway(source),
    `# agentgateway has no binds[0].listeners[0].policies.apiKey.keys[0].allowedModels
# agentgateway takes the keys of binds[0].listeners[0].policies.apiKey from "authorization: Bearer" alone, not from api-key, x-api-key and ocp-apim-subscription-key: add location for another header
# agentgateway has no binds[0].listeners[0].routes[0].policies.streamKeepAlive
# agentgateway has no binds[0].listeners[0].routes[0].policies.timeout.idleTimeout
# agentgateway has no binds[0].listeners[0].routes[0].policies.backendAuth.azure.scope
# agentgateway has no config.publicOrigin
binds:
  - port: 3000
    listeners:
      - routes:
          - policies:
              cors:
                allowOrigins:
                  - "*"
              timeout:
                requestTimeout: 10s
              backendAuth:
                azure:
                  explicitConfig:
                    clientSecret:
                      tenant_id: t
                      client_id: c
                      client_secret: $AZURE_CLIENT_SECRET
            backends:
              - ai:
                  name: a
                  hostOverride: a.openai.azure.com:443
                  provider:
                    openAI: {}
                policies:
                  backendTLS: {}
        policies:
          apiKey:
            mode: strict
            keys:
              - key: \${CALLER_KEY:-k}
config:
  readinessAddr: "[::]:16000"
`,
  );
});

const guarded = (location: string) => `
gateways: { default: { port: 3000, apiKey: { keys: [{ key: k }]${location} } } }
routes: [{ backends: [{ host: "a.example.com:443" }] }]
`;

test("that a caller's key is looked for in one header alone is said, unless the file names one", () => {
  assert.match(
    printAgentgateway(guarded("")),
    /^# agentgateway takes the keys of gateways\.default\.apiKey from "authorization: Bearer" alone/,
  );
  const named = printAgentgateway(guarded(", location: { header: { name: api-key } }"));
  assert.doesNotMatch(named, /^#/);
});

test("a model's key is printed for the header that it is sent in", () => {
  for (const [apiKey, printed] of [
    ["$FOUNDRY_KEY", { value: "$FOUNDRY_KEY" }],
    ["{ file: foundry.key }", { file: "foundry.key" }],
  ] as const) {
    const short = `
llm:
  models:
    - { name: a, provider: azure, params: { azureResourceName: r, azureResourceType: openAI, apiKey: ${apiKey} } }
`;
    const [model] = parse(printAgentgateway(short)).llm.models;
    assert.deepEqual(model, {
      name: "a",
      provider: "azure",
      params: { azureResourceName: "r", azureResourceType: "openAI" },
      auth: { key: { ...printed, location: { header: { name: "api-key" } } } },
    });
  }
});
