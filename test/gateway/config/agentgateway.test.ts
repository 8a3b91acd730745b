// What is printed for agentgateway means the same here, and holds nothing that is ours alone.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
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
      const lost = printed.startsWith("# agentgateway has no ");
      if (!lost) assert.deepEqual(run(printed), run(source));
      assert.equal(printAgentgateway(printed), printed.replaceAll(/^#.*\n/gm, ""));
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
