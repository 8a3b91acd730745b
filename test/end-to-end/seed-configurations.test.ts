// The five configurations of agentgateway's Azure page, run by the built gateway: the real SDKs on both
// sides, stand-ins for Azure behind it. What must reach Azure: the right identity, for the right
// audience, at the right path, with the right model, and no credential of the caller's.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import OpenAI from "openai";
import { freePort } from "../demo/gateway-process.ts";
import { greeting } from "../stand-in/everyday-answer.ts";
import { type Azure, application, startAzure, system, tenantId, user, workload } from "./azure.ts";
import { bundle, startChild } from "./gateway-child.ts";
import * as seed from "./seed.ts";

let azure: Azure;
before(async () => {
  azure = await startAzure();
});
beforeEach(() => azure.reset());
after(() => azure.close());

const endpoint = "<your-azure-endpoint.com:443>";
const secret = {
  "<your-tenant-id>": tenantId,
  "<your-client-id>": application.clientId,
  "<your-client-secret>": application.clientSecret,
};
const clientIdLine = 'clientId: "<your-managed-identity-client-id>"';

type Case = {
  readonly name: string;
  readonly configuration: string;
  readonly replacements: Readonly<Record<string, string>>;
  readonly identity: string;
  readonly model: string;
  /** As the caller asks, below the origin. */
  readonly base: string;
  readonly path: string;
};

const plain = { base: "/openai/v1", path: "/openai/v1/chat/completions", model: "gpt-4" };

const cases: readonly Case[] = [
  {
    name: "Azure AI Foundry with a user-assigned identity by object id",
    configuration: seed.foundry,
    replacements: {
      "<object-id>": user.objectId,
      "ai-gateway-foundry-eastus2.services.ai.azure.com:443": "<foundry>",
    },
    identity: user.name,
    model: "gpt-5-mini",
    base: "/azure",
    path: "/models/chat/completions?api-version=2024-05-01-preview",
  },
  {
    name: "client secret",
    configuration: seed.clientSecret,
    replacements: { ...secret, [endpoint]: "<foundry>" },
    identity: application.name,
    ...plain,
  },
  {
    name: "client secret in agentgateway's own spelling",
    configuration: seed.clientSecret,
    replacements: {
      ...secret,
      [endpoint]: "<foundry>",
      "tenantId:": "tenant_id:",
      "clientId:": "client_id:",
      'clientSecret: "': 'client_secret: "',
    },
    identity: application.name,
    ...plain,
  },
  {
    name: "system-assigned identity",
    configuration: seed.systemAssigned,
    replacements: { "your-azure-endpoint.com:443": "<foundry>" },
    identity: system.name,
    ...plain,
  },
  {
    name: "user-assigned identity by client id",
    configuration: seed.userAssigned,
    replacements: { "<your-managed-identity-client-id>": user.clientId, [endpoint]: "<foundry>" },
    identity: user.name,
    ...plain,
  },
  {
    name: "user-assigned identity by object id",
    configuration: seed.userAssigned,
    replacements: { [clientIdLine]: `objectId: ${user.objectId}`, [endpoint]: "<foundry>" },
    identity: user.name,
    ...plain,
  },
  {
    name: "user-assigned identity by resource id",
    configuration: seed.userAssigned,
    replacements: { [clientIdLine]: `resourceId: ${user.resourceId}`, [endpoint]: "<foundry>" },
    identity: user.name,
    ...plain,
  },
  {
    name: "workload identity",
    configuration: seed.workloadIdentity,
    replacements: { [endpoint]: "<foundry>" },
    identity: workload.name,
    ...plain,
  },
];

for (const { name, configuration, replacements, identity, model, base, path } of cases) {
  test(
    `${name}: the openai client is answered, streaming and not`,
    { timeout: 30_000 },
    async (t) => {
      const { foundry, directory, tokens } = azure;
      const environment = identity === workload.name ? azure.podEnvironment : azure.environment;
      const port = await freePort();
      const filled = seed.replaced(configuration, {
        ...replacements,
        "port: 3000": `port: ${port}`,
      });
      // The system's roots, which NODE_EXTRA_CA_CERTS adds to, where the page asks for TLS itself; the
      // stand-in's port is not 443, so that the others have to ask for it here.
      const secured = filled.includes("backendTLS")
        ? filled
        : filled.replace(
            "policies:\n",
            `policies:\n        backendTLS: { root: ${directory}/ca.pem }\n`,
          );
      const file = join(directory, "config.yaml");
      await writeFile(
        file,
        `${secured.replace("<foundry>", `localhost:${foundry.port}`)}config:\n  readinessAddr: "off"\n`,
      );

      const earlier = tokens.all().length;
      const gateway = startChild(t, bundle, ["-f", file], environment);
      await gateway.said('"msg":"listening"');
      const openai = new OpenAI({
        apiKey: "callers-own-key",
        baseURL: `http://127.0.0.1:${port}${base}`,
        maxRetries: 0,
      });
      const asked = { model: "anything", messages: [{ role: "user" as const, content: "Hello" }] };

      const whole = await openai.chat.completions.create(asked);
      assert.equal(whole.choices[0]?.message.content, greeting);
      assert.equal(whole.model, model);
      let streamed = "";
      for await (const chunk of await openai.chat.completions.create({ ...asked, stream: true })) {
        streamed += chunk.choices[0]?.delta?.content ?? "";
      }
      assert.equal(streamed, greeting);

      assert.equal(foundry.requests.length, 2);
      for (const received of foundry.requests) {
        assert.equal(received.path, path);
        assert.equal(received.headers.host, "localhost");
        assert.equal(received.token?.identity, identity);
        // What a custom domain takes; a Foundry's own name asks for https://ai.azure.com.
        assert.equal(received.token?.audience, "https://cognitiveservices.azure.com");
        assert.partialDeepStrictEqual(JSON.parse(received.body.toString()), {
          model,
          messages: asked.messages,
        });
        assert.doesNotMatch(received.rawHeaders.join(), /callers-own-key/);
      }
      const minted = tokens.all().slice(earlier);
      assert.equal(minted.length, 1, "one token for both");

      gateway.process.kill("SIGTERM");
      assert.equal(await gateway.ended, 0);
      const said = gateway.stdout() + gateway.stderr();
      for (const secretWord of [
        "stand-in-token-",
        "callers-own-key",
        application.clientSecret,
        workload.federatedToken,
        "Hello",
      ]) {
        assert.ok(!said.includes(secretWord), `the log has ${secretWord}`);
      }
    },
  );
}
