// The configurations of agentgateway's Azure page with their own host names and port 443, which name the
// audience of the token and ask for TLS: agentgateway would speak plain HTTP to four of the five.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import {
  type Azure,
  application,
  startAzure,
  system,
  tenantId,
  user,
  workload,
} from "../end-to-end/azure.ts";
import * as seed from "../end-to-end/seed.ts";
import { call, chat } from "./caller.ts";
import { runGateway, trust } from "./running-gateway.ts";

let azure: Azure;
before(async () => {
  azure = await startAzure("*.services.ai.azure.com", "*.openai.azure.com");
  trust({ cert: azure.authority });
});
beforeEach(() => azure.reset());
after(() => azure.close());

const endpoint = { "<your-azure-endpoint.com:443>": "mine.openai.azure.com:443" };

for (const { name, configuration, replacements, identity, audience, host, model } of [
  {
    name: "Foundry",
    configuration: seed.foundry,
    replacements: { "<object-id>": user.objectId },
    identity: user.name,
    audience: "https://ai.azure.com",
    host: "ai-gateway-foundry-eastus2.services.ai.azure.com",
    model: "gpt-5-mini",
  },
  {
    name: "client secret",
    configuration: seed.clientSecret,
    replacements: {
      ...endpoint,
      "<your-tenant-id>": tenantId,
      "<your-client-id>": application.clientId,
      "<your-client-secret>": application.clientSecret,
    },
    identity: application.name,
  },
  {
    name: "system-assigned identity",
    configuration: seed.systemAssigned,
    replacements: { "your-azure-endpoint.com:443": "mine.openai.azure.com:443" },
    identity: system.name,
  },
  {
    name: "user-assigned identity",
    configuration: seed.userAssigned,
    replacements: { ...endpoint, "<your-managed-identity-client-id>": user.clientId },
    identity: user.name,
  },
  {
    name: "workload identity",
    configuration: seed.workloadIdentity,
    replacements: endpoint,
    identity: workload.name,
  },
].map((each) => ({
  audience: "https://cognitiveservices.azure.com",
  host: "mine.openai.azure.com",
  model: "gpt-4",
  ...each,
}))) {
  test(`${name}: TLS to its host, and a token for it`, async (t) => {
    const { foundry } = azure;
    const environment = identity === workload.name ? azure.podEnvironment : azure.environment;
    // The identity library reads the environment of the process.
    Object.assign(process.env, environment);
    t.after(() => {
      for (const variable of Object.keys(environment)) delete process.env[variable];
    });
    const { origin } = await runGateway(t, seed.replaced(configuration, replacements), {
      upstreamPort: foundry.port,
    });
    const reply = await call(origin, {
      ...chat({ messages: [{ role: "user", content: "Hi" }] }),
      path: "/azure/openai/v1/chat/completions?x=1",
    });
    const [received] = foundry.requests;
    assert.equal(received?.servername, host);
    assert.equal(received?.headers.host, host);
    assert.equal(received?.token?.identity, identity);
    assert.equal(received?.token?.audience, audience);
    assert.equal(JSON.parse(received?.body.toString() ?? "").model, model);
    if (configuration === seed.foundry) {
      assert.equal(reply.status, 200);
      assert.equal(received?.path, "/models/chat/completions?api-version=2024-05-01-preview");
    } else {
      assert.equal(received?.path, "/azure/openai/v1/chat/completions?x=1");
    }
  });
}
