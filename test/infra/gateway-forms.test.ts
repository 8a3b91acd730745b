import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { loadConfig } from "../../gateway/config/load.ts";
import type { FoundryGatewayArgs } from "../../infra/args.ts";
import { checkInputs } from "../../infra/check-inputs.ts";
import { InvalidInput } from "../../infra/invalid-input.ts";
import { bundle, deploy } from "./mocked.ts";

/**
 * The `gateway` input in the other two ways to write it, `gateways` with `routes` and `llm`: what a
 * preview finds is told by the place in what was written, and `callers` guards it all the same.
 */

const foundry: FoundryGatewayArgs["foundry"] = {
  create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] },
};

before(async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => assert.fail("nothing is registered"), call: () => ({}) },
    "foundry-gateway",
    "test",
  );
});

const systemAssigned = "{ azure: { explicitConfig: { managedIdentity: {} } } }";
const own = "{ azure: { implicit: {} } }";
const check = `apiKey: { keys: [{ key: ${"k".repeat(32)} }] }`;
const optional = check.replace("{ keys", "{ mode: optional, keys");

function attached({
  model = "gpt-5-mini",
  auth = own,
  gateways = "default: { port: 3000 }",
  route = "",
  provider = "",
} = {}): string {
  return `
gateways: { ${gateways} }
routes:
- matches: [{ path: { pathPrefix: /health } }]
  policies: { directResponse: { status: 200 } }
- name: chat
  ${route}
  backends:
  - policies: { backendAuth: ${auth} }
    ai:
      name: a
      ${provider === "" ? `provider: { azure: { resourceName: acme-ai, resourceType: openAI, model: ${model} } }` : provider}
`;
}

function short({
  name = "gpt-5-mini",
  params = "",
  auth = own,
  llm = "",
  more = "",
  resource = "azureResourceType: openAI",
} = {}): string {
  return `
${more}
llm:
  models:
  - name: other
    provider: openAI
    params: { baseUrl: "https://other.example.com/v1", apiKey: k }
  - name: "${name}"
    provider: azure
    auth: ${auth}
    params: { azureResourceName: acme-ai, ${resource}, ${params} }
  ${llm}
`;
}

const noDeployment = 'there is no deployment "gpt-4": foundry.create.deployments has gpt-5-mini';
const noIdentity =
  "the app has no system-assigned identity: expected managedIdentity.userAssignedIdentity with clientId: $AZURE_CLIENT_ID";
const onePort = (first: string) =>
  `the app's ingress reaches one port, that of ${first}: expected one, with several listeners if needed`;

describe("a preview names the place that was written", () => {
  const rows: readonly (readonly [string, Partial<FoundryGatewayArgs>, string])[] = [
    [
      "a route's model",
      { gateway: attached({ model: "gpt-4" }) },
      `gateway.routes[1].backends[0].ai.provider.azure.model: ${noDeployment}`,
    ],
    [
      "the model of one provider among several",
      {
        gateway: attached({
          provider: `groups: [
        { providers: [{ name: x, provider: { azure: { resourceName: acme-ai, resourceType: openAI, model: gpt-5-mini } } }] },
        { providers: [{ name: y, hostOverride: "acme-ai.openai.azure.com:443", provider: { openAI: { model: gpt-4 } } }] }]`,
        }).replace("name: a\n", "\n"),
      },
      `gateway.routes[1].backends[0].ai.groups[1].providers[0].provider.openAI.model: ${noDeployment}`,
    ],
    [
      "a model of the short form",
      { gateway: short({ params: "model: gpt-4" }) },
      `gateway.llm.models[1].params.model: ${noDeployment}`,
    ],
    [
      "a model of the short form that is sent by its name",
      { gateway: short({ name: "gpt-4" }) },
      `gateway.llm.models[1].name: ${noDeployment}`,
    ],
    [
      "the credential of a route's backend",
      { gateway: attached({ auth: systemAssigned }) },
      `gateway.routes[1].backends[0]: ${noIdentity}`,
    ],
    [
      "the credential of a model",
      { gateway: short({ auth: systemAssigned }) },
      `gateway.llm.models[1]: ${noIdentity}`,
    ],
    [
      "a second gateway",
      { gateway: attached({ gateways: "default: { port: 3000 }, admin: { port: 3001 }" }) },
      `gateway.gateways.admin: ${onePort("gateway.gateways.default")}`,
    ],
    [
      "a port of llm's own beside a gateway",
      {
        gateway: short({ llm: "port: 4000", more: "gateways: { default: { port: 3000 } }" }),
      },
      `gateway.llm: ${onePort("gateway.gateways.default")}`,
    ],
    [
      "a route that is open by its own check",
      { gateway: attached({ route: `policies: { ${optional} }` }) },
      "gateway.routes[1]: route chat sends a credential for callers it does not check: expected apiKey or jwtAuth with mode strict, or callers.anonymous: true",
    ],
    [
      "the short form, open by its own check",
      { gateway: short({ llm: `policies: { ${optional} }` }) },
      "gateway.llm: route llm sends a credential for callers it does not check: expected apiKey or jwtAuth with mode strict, or callers.anonymous: true",
    ],
    [
      "a role that cannot cover a model",
      {
        gateway: short({ resource: "azureResourceType: foundry, azureProjectName: p" }),
        role: "Cognitive Services User",
      },
      "role: Cognitive Services User does not cover gateway.llm.models[1] (/api/projects/p): expected Foundry User",
    ],
  ];
  for (const [what, args, expected] of rows) {
    test(what, () => assert.deepEqual(problemsOf(args), [expected]));
  }

  test("of routes that one listener guards and another does not", () => {
    const gateways = `default: { port: 3000, listeners: [{ name: a, hostname: a.example.com, ${check} }, { name: b }] }`;
    const message =
      "one of its listeners checks callers and another does not: expected an apiKey or jwtAuth of its own";
    assert.deepEqual(problemsOf({ gateway: attached({ gateways }) }), [
      `gateway.routes[0]: ${message}`,
      `gateway.routes[1]: ${message}`,
    ]);
    const callers = { anonymous: true };
    assert.deepEqual(problemsOf({ gateway: attached({ gateways }), callers }), []);
  });

  test("that the gateway itself names, by line and column in a text", () => {
    assert.deepEqual(
      problemsOf({ gateway: "llm:\n  models:\n  - { name: a, provder: azure }\n" }),
      [
        "gateway:3:5: llm.models[0].provider: expected azure or openAI",
        "gateway:3:16: llm.models[0]: unknown key provder: did you mean provider?",
      ],
    );
  });
});

describe("the callers' check, and the time limit, reach every route", () => {
  for (const [form, gateway, port] of [
    ["gateways with routes", attached(), 3000],
    ["the short form", short(), 4000],
    ["the short form on a gateway", short({ more: "gateways: { default: { port: 3000 } }" }), 3000],
  ] as const) {
    test(form, async () => {
      assert.deepEqual(problemsOf({ gateway }), []);
      const { outputs, resources } = await deploy({ foundry, gateway });
      const env = { AZURE_CLIENT_ID: "c", FOUNDRY_HOST: "h" };
      const loaded = loadConfig(String(outputs.gatewayConfig), { env, readFile: String });
      assert.ok("config" in loaded);
      const [bind] = loaded.config.binds;
      assert.equal(bind?.port, port);
      for (const { policies, backends } of bind?.listeners[0]?.routes ?? []) {
        assert.equal(policies.apiKey?.mode, "strict");
        if (backends.length > 0) assert.ok(policies.timeouts.request !== undefined);
      }
      const app = resources.find(({ type }) => type.endsWith(":ContainerApp"));
      assert.equal(Object(app?.inputs).configuration.ingress.targetPort, port);
      assert.match(String(outputs.openaiBaseUrl), /\/openai\/v1$/);
    });
  }

  test("a check of llm's own stays", async () => {
    const { outputs } = await deploy({
      foundry,
      gateway: short({ llm: `policies: { ${check} }` }),
    });
    assert.equal(String(outputs.gatewayConfig).match(/apiKey:\n/g)?.length, 1);
    assert.match(String(outputs.gatewayConfig), /key: k{32}/);
  });
});

function problemsOf(args: Partial<FoundryGatewayArgs>): readonly string[] {
  try {
    checkInputs("gateway", { foundry, bundle, ...args });
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return error.problems.map(({ input, message }) => `${input}: ${message}`);
  }
  return [];
}
