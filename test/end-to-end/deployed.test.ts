import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";
import { clientId, principalId } from "../infra/azure.ts";
import { type Deployed, deploy, only } from "../infra/mocked.ts";
import { call, chat, errorOf } from "../gateway/caller.ts";
import { runGateway, trust } from "../gateway/running-gateway.ts";
import { makeAuthority } from "../stand-in/certificate.ts";
import { type Foundry, startFoundry } from "../stand-in/foundry.ts";
import { type IdentityEndpoint, startIdentityEndpoint } from "../stand-in/identity-endpoint.ts";
import { createTokens } from "../stand-in/tokens.ts";
import { type MountedApp, startMountedApp } from "./mounted-app.ts";

/**
 * The two halves together: the component renders the configuration, the gateway parses it and runs
 * on it, and a request with the caller's key reaches Foundry as the identity the stack made.
 */

const host = "acme-ai.services.ai.azure.com";
const foundryArgs = { create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] } };

let foundry: Foundry;
let identityEndpoint: IdentityEndpoint;
let authority: Awaited<ReturnType<typeof makeAuthority>>;

before(async () => {
  const tokens = createTokens();
  authority = await makeAuthority();
  trust(authority);
  const certificate = await authority.serverCertificate(host);
  foundry = await startFoundry({
    tokens,
    certificate,
    audiences: ["https://ai.azure.com"],
    deployments: ["gpt-5-mini"],
  });
  identityEndpoint = await startIdentityEndpoint({
    tokens,
    userAssigned: [{ name: "gateway-identity", clientId, objectId: principalId }],
  });
  // @azure/identity reads them from the process, whatever the gateway is given.
  Object.assign(process.env, identityEndpoint.environment);
});

after(async () => {
  await Promise.all([foundry.close(), identityEndpoint.close()]);
});

function body(stream: boolean) {
  const messages = [{ role: "user", content: "Say hello." }];
  return { model: "gpt-5-mini", stream, messages };
}

for (const stream of [false, true]) {
  test(`a caller's key opens the way to the deployment asked for, stream: ${stream}`, async (context) => {
    const { outputs } = await deploy({ foundry: foundryArgs });
    const gateway = await runGateway(context, String(outputs.gatewayConfig), {
      upstreamPort: foundry.port,
    });
    foundry.reset();
    const path = `${new URL(String(outputs.openaiBaseUrl)).pathname}/chat/completions`;
    const authorization = `Bearer ${String(outputs.callerKey)}`;
    const reply = await call(gateway.origin, { ...chat(body(stream), { authorization }), path });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(reply.ending, "clean");

    const [received] = foundry.requests;
    assert.ok(received !== undefined);
    assert.equal(received.headers.host, host);
    assert.equal(received.servername, host);
    assert.equal(received.path, "/openai/v1/chat/completions");
    assert.equal(JSON.parse(received.body.toString()).model, "gpt-5-mini");
    assert.equal(received.token?.identity, "gateway-identity");
    assert.equal(received.token?.audience, "https://ai.azure.com");
    assert.ok(!received.rawHeaders.join("\n").includes(String(outputs.callerKey)));
    assert.ok(!gateway.logText().includes(String(outputs.callerKey)));
  });
}

test("the key works as OpenAI's, Azure's and Anthropic's clients send it; nothing else does", async (context) => {
  const { outputs } = await deploy({ foundry: foundryArgs });
  const gateway = await runGateway(context, String(outputs.gatewayConfig), {
    upstreamPort: foundry.port,
  });
  foundry.reset();
  const key = String(outputs.callerKey);
  const ask = (headers: Record<string, string>) =>
    call(gateway.origin, { ...chat(body(false), headers), path: "/openai/v1/chat/completions" });
  for (const headers of [
    { authorization: `Bearer ${key}` },
    { "api-key": key },
    { "x-api-key": key },
  ]) {
    assert.equal((await ask(headers)).status, 200, Object.keys(headers)[0]);
  }
  for (const headers of [{}, { authorization: `Bearer ${key}x` }, { "api-key": "" }]) {
    const refused = await ask(headers);
    assert.equal(refused.status, 401);
    assert.ok(errorOf(refused).message);
  }
  assert.equal(foundry.requests.length, 3);
});

describe("the app as its template says: files, command, arguments and variables", () => {
  let deployed: Deployed;
  let app: MountedApp;
  const readiness = 15921;
  before(async () => {
    deployed = await deploy({
      foundry: foundryArgs,
      bundle: fileURLToPath(new URL("../../dist/gateway.sfx.cjs", import.meta.url)),
      env: [{ name: "MODEL", value: "gpt-5-mini" }],
      gateway: `
config: { readinessAddr: ":${readiness}" }
binds:
- port: 13921
  listeners:
  - routes:
    - matches: [{ path: { pathPrefix: /azure } }]
      policies:
        urlRewrite: { authority: auto }
        backendAuth:
          azure:
            explicitConfig:
              managedIdentity: { userAssignedIdentity: { clientId: $AZURE_CLIENT_ID } }
        backendTLS: {}
      backends:
      - ai:
          name: azure
          hostOverride: "$FOUNDRY_HOST:443"
          pathOverride: "/models/chat/completions?api-version=2024-05-01-preview"
          provider: { openAI: { model: $MODEL } }
`,
    });
    app = await startMountedApp(
      only(deployed.resources, "azure-native:app:ContainerApp").inputs,
      {
        ...identityEndpoint.environment,
        ...(await authority.environment(mkdtempSync(join(tmpdir(), "foundry-gateway-ca-")))),
      },
      foundry.port,
    );
  });
  after(() => app.kill());

  test("starts, is ready where the probes ask, and serves", async () => {
    const ready = await fetch(`http://127.0.0.1:${readiness}${app.probePath}`);
    assert.equal(ready.status, 200);
    foundry.reset();
    const key = String(deployed.outputs.callerKey);
    const path = `${new URL(String(deployed.outputs.openaiBaseUrl)).pathname}/chat/completions`;
    const reply = await call(`http://127.0.0.1:${app.port}`, {
      ...chat({ ...body(false), model: "whatever" }, { "api-key": key }),
      path,
    });
    assert.equal(reply.status, 200, reply.body.toString());
    const [received] = foundry.requests;
    assert.equal(received?.headers.host, host);
    assert.equal(received?.path, "/models/chat/completions?api-version=2024-05-01-preview");
    assert.equal(JSON.parse(received?.body.toString() ?? "").model, "gpt-5-mini");
    assert.equal(received?.token?.identity, "gateway-identity");
  });

  test("ends by itself within the grace when the platform tells it to", async () => {
    assert.equal(await app.terminate(), 0);
  });
});
