import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { FoundryGatewayArgs } from "../../infra/args.ts";
import { acrPull } from "../../infra/roles.ts";
import { clientId, principalId, subscription } from "./azure.ts";
import { type Deployed, bundleOf, deploy, only } from "./mocked.ts";

const account = `${subscription}/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts`;
const create: FoundryGatewayArgs["foundry"] = {
  create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] },
};
const app = "azure-native:app:ContainerApp";
const roleAssignment = "azure-native:authorization:RoleAssignment";

describe("with an account of its own", () => {
  test("it makes exactly these resources", async () => {
    const { resources } = await deploy({ foundry: create });
    assert.deepEqual(resources.map(({ type, name }) => `${name} ${type}`).toSorted(), [
      "gateway-app azure-native:app:ContainerApp",
      "gateway-caller-key-default pulumi:index:Stash",
      "gateway-deployment-gpt-5-mini azure-native:cognitiveservices:Deployment",
      "gateway-diagnostics azure-native:monitor:DiagnosticSetting",
      "gateway-environment azure-native:app:ManagedEnvironment",
      "gateway-foundry azure-native:cognitiveservices:Account",
      "gateway-group azure-native:resources:ResourceGroup",
      "gateway-identity azure-native:managedidentity:UserAssignedIdentity",
      "gateway-logs azure-native:operationalinsights:Workspace",
      "gateway-project azure-native:cognitiveservices:Project",
      "gateway-role azure-native:authorization:RoleAssignment",
    ]);
  });

  test("a preview registers the same resources, and knows what does not depend on Azure", async () => {
    const up = await deploy({ foundry: create });
    const preview = await deploy({ foundry: create }, { preview: true });
    assert.deepEqual(names(preview), names(up));
    assert.equal(preview.outputs.foundryEndpoint, "https://acme-ai.services.ai.azure.com");
    assert.equal(preview.outputs.role, "Cognitive Services OpenAI User");
    assert.equal(preview.outputs.endpoint, undefined);
  });

  test("the account takes no keys and has the subdomain that Entra ID tokens need", async () => {
    const { resources } = await deploy({ foundry: create });
    const { inputs } = only(resources, "azure-native:cognitiveservices:Account");
    assert.equal(inputs.kind, "AIServices");
    assert.equal(inputs.accountName, "acme-ai");
    assert.deepEqual(inputs.properties, {
      allowProjectManagement: true,
      customSubDomainName: "acme-ai",
      disableLocalAuth: true,
      publicNetworkAccess: "Enabled",
    });
  });

  test("an account without a name gets the same one on every run of one stack", async () => {
    const args = { foundry: { create: { deployments: [{ name: "gpt-5-mini" }] } } };
    const [one, two] = [await deploy(args), await deploy(args)];
    assert.equal(one.outputs.foundryEndpoint, two.outputs.foundryEndpoint);
    assert.match(String(one.outputs.foundryEndpoint), /^https:\/\/gateway-[0-9a-f]{8}\./);
  });

  test("a deployment is what was asked for, with defaults for the rest", async () => {
    const { resources } = await deploy({
      foundry: {
        create: {
          deployments: [
            { name: "small", model: "gpt-5-mini", version: "2025-08-07" },
            { name: "DeepSeek-V3.1", format: "DeepSeek", sku: "Standard", capacity: 3 },
          ],
        },
      },
    });
    const made = resources.filter(({ type }) => type.endsWith(":Deployment"));
    assert.deepEqual(
      made.map(({ inputs: { deploymentName, sku, properties } }) => [
        deploymentName,
        sku,
        properties,
      ]),
      [
        [
          "small",
          { name: "GlobalStandard", capacity: 10 },
          { model: { name: "gpt-5-mini", format: "OpenAI", version: "2025-08-07" } },
        ],
        [
          "DeepSeek-V3.1",
          { name: "Standard", capacity: 3 },
          { model: { name: "DeepSeek-V3.1", format: "DeepSeek" } },
        ],
      ],
    );
  });
});

describe("with what is there already", () => {
  const identity = `${subscription}/resourceGroups/id/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner`;
  const environment = `${subscription}/resourceGroups/apps/providers/Microsoft.App/managedEnvironments/shared`;

  test("account, identity, environment and group are read, and nothing of them is made", async () => {
    const { resources, outputs } = await deploy({
      foundry: { existing: { accountId: `${account}/acme`, project: "research" } },
      identity,
      environment: { existing: environment },
      resourceGroup: `${subscription}/resourceGroups/apps`,
    });
    assert.deepEqual(resources.flatMap(({ id }) => id ?? []).toSorted(), [
      `${account}/acme`,
      environment,
      identity,
    ]);
    assert.deepEqual(
      resources
        .filter(({ id }) => id === undefined)
        .map(({ name }) => name)
        .toSorted(),
      ["gateway-app", "gateway-caller-key-default", "gateway-role"],
    );
    const { inputs } = only(resources, app);
    assert.equal(inputs.resourceGroupName, "apps");
    assert.equal(inputs.location, "westeurope", "the existing group's");
    assert.equal(outputs.foundryEndpoint, "https://acme.services.ai.azure.com");
  });

  test("the deployments that routes name are read too: a preview fails when one is not there", async () => {
    const { resources } = await deploy({
      foundry: { existing: { accountId: `${account}/acme` } },
      gateway: `
binds:
- port: 3000
  listeners:
  - routes:
    - policies:
        backendAuth:
          azure: { explicitConfig: { managedIdentity: { userAssignedIdentity: { clientId: $AZURE_CLIENT_ID } } } }
      backends:
      - ai: { name: a, hostOverride: "$FOUNDRY_HOST:443", provider: { openAI: { model: gpt-5-mini } } }
      - ai: { name: b, hostOverride: "elsewhere.openai.azure.com:443", provider: { openAI: { model: o4 } } }
`,
    });
    assert.deepEqual(
      resources.flatMap(({ type, id }) => (type.endsWith(":Deployment") ? [id] : [])),
      [`${account}/acme/deployments/gpt-5-mini`],
    );
  });

  test("an Azure OpenAI account is called on its own domain, with the least role", async () => {
    const { outputs } = await deploy({
      foundry: { existing: { accountId: `${account}/acme-openai` } },
    });
    assert.equal(outputs.foundryEndpoint, "https://acme-openai.openai.azure.com");
    assert.equal(outputs.role, "Cognitive Services OpenAI User");
  });

  test("a Foundry account may hold any publisher's models, and the role covers them", async () => {
    const { outputs } = await deploy({ foundry: { existing: { accountId: `${account}/acme` } } });
    assert.equal(outputs.role, "Cognitive Services User");
  });
});

describe("roles", () => {
  test("the identity is granted the role on the account alone, as a service principal", async () => {
    const { resources } = await deploy({ foundry: create });
    const { inputs } = only(resources, roleAssignment);
    assert.deepEqual(inputs, {
      principalId,
      principalType: "ServicePrincipal",
      roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/5e0bd9bd-7b93-4f28-af87-19fc36ad61bd`,
      scope: `${subscription}/resourceGroups/gateway-group0badf00d/providers/cognitiveservices/Account/acme-ai`,
    });
  });

  test("models of another publisher need the wider role", async () => {
    const { outputs } = await deploy({
      foundry: {
        create: { deployments: [{ name: "gpt-5-mini" }, { name: "grok-4", format: "xAI" }] },
      },
    });
    assert.equal(outputs.role, "Cognitive Services User");
  });

  test("other services and the image's registry get their own", async () => {
    const speech = `${account}/speech`;
    const acrId = `${subscription}/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/acme`;
    const { resources } = await deploy({
      foundry: create,
      services: [{ resourceId: speech }],
      image: { name: "acme.azurecr.io/gw:1", registry: { server: "acme.azurecr.io", acrId } },
    });
    const granted = resources
      .filter(({ type }) => type === roleAssignment)
      .map(({ name, inputs: { scope, roleDefinitionId } }) => [
        name,
        scope,
        String(roleDefinitionId).split("/").at(-1),
      ]);
    assert.deepEqual(
      granted.filter(([name]) => name !== "gateway-role"),
      [
        ["gateway-role-service-0", speech, "a97b65f3-24c7-4388-baec-2e87135dc908"],
        ["gateway-role-pull", acrId, acrPull],
      ],
    );
  });

  test("role none makes no assignment", async () => {
    const { resources } = await deploy({ foundry: create, role: "none" });
    assert.deepEqual(
      resources.filter(({ type }) => type === roleAssignment),
      [],
    );
  });
});

describe("callers", () => {
  test("a generated key is secret, 256 bits, and in the configuration only as its hash", async () => {
    const { outputs, secrets } = await deploy({ foundry: create });
    const key = String(outputs.callerKey);
    assert.equal(Buffer.from(key, "base64url").length, 32);
    assert.deepEqual(secrets, ["callerKey", "callerKeys"]);
    const hash = createHash("sha256").update(key).digest("hex");
    assert.match(String(outputs.gatewayConfig), new RegExp(`sha256:${hash}`));
    assert.doesNotMatch(String(outputs.gatewayConfig), new RegExp(key));
  });

  test("keys that are given are used, and known by name", async () => {
    const value = "k".repeat(32);
    const { resources, outputs } = await deploy({
      foundry: create,
      callers: { keys: [{ name: "ci", value }, { name: "web" }] },
    });
    assert.equal(outputs.callerKey, value);
    assert.deepEqual(Object.keys(Object(outputs.callerKeys)), ["ci", "web"]);
    assert.equal(only(resources, "pulumi:index:Stash").name, "gateway-caller-key-web");
    assert.match(String(outputs.gatewayConfig), /metadata:\s+name: ci/);
  });

  test("Entra ID callers alone need no key", async () => {
    const { resources, outputs } = await deploy({
      foundry: create,
      callers: { entra: { audiences: ["api://gateway"], requiredRoles: ["caller"] } },
    });
    assert.equal(outputs.callerKey, undefined);
    assert.deepEqual(
      resources.filter(({ type }) => type === "pulumi:index:Stash"),
      [],
    );
    const config = String(outputs.gatewayConfig);
    assert.match(config, /issuer: https:\/\/login\.microsoftonline\.com\/4{8}-.*\/v2\.0/);
    assert.match(config, /audiences:\s+- api:\/\/gateway/);
    assert.match(config, /requiredRoles:\s+- caller/);
    assert.doesNotMatch(config, /apiKey/);
  });
});

describe("the app", () => {
  test("waits with the identity, mounts gateway and configuration, and knows both sides' times", async () => {
    const { resources, outputs } = await deploy({ foundry: create });
    const { inputs } = only(resources, app);
    const { configuration, template } = Object(inputs);
    assert.deepEqual(configuration.ingress, {
      external: true,
      targetPort: 3000,
      transport: "auto",
      allowInsecure: false,
    });
    assert.equal(configuration.activeRevisionsMode, "Single");
    assert.deepEqual(
      configuration.secrets.map(({ name }: { name: string }) => name),
      ["gateway-bundle", "gateway-config"],
    );
    assert.equal(configuration.secrets[1].value, outputs.gatewayConfig);
    assert.deepEqual(template.volumes, [
      {
        name: "gateway",
        storageType: "Secret",
        secrets: [
          { secretRef: "gateway-bundle", path: "gateway.cjs" },
          { secretRef: "gateway-config", path: "config.yaml" },
        ],
      },
    ]);
    const [container] = template.containers;
    assert.deepEqual(container.command, [
      "node",
      "--max-semi-space-size=16",
      "--expose-gc",
      "/etc/foundry-gateway/gateway.cjs",
    ]);
    assert.deepEqual(container.env.slice(0, 3), [
      { name: "AZURE_CLIENT_ID", value: clientId },
      { name: "FOUNDRY_HOST", value: "acme-ai.services.ai.azure.com" },
      { name: "FOUNDRY_PROJECT", value: "default" },
    ]);
    const drain = Number(container.args[container.args.indexOf("--drain-timeout") + 1]);
    assert.ok(drain > 240 && drain < template.terminationGracePeriodSeconds);
    assert.ok(template.terminationGracePeriodSeconds <= 600);
    assert.equal("revisionSuffix" in template, false);
    for (const { failureThreshold, periodSeconds } of container.probes) {
      assert.ok(failureThreshold <= 10 && periodSeconds <= 240, "Azure takes no more");
    }
  });

  test("a new revision comes with new gateway code or configuration, and with nothing else", async () => {
    const keys = [{ name: "ci", value: "k".repeat(40) }];
    const base = { foundry: create, callers: { keys } };
    const digest = await digestOf(base);
    const same = await digestOf({ ...base, tags: { team: "platform" }, scale: { max: 3 } });
    assert.equal(same, digest);
    const others = [
      await digestOf({ ...base, bundle: bundleOf("other.cjs", "/* another */") }),
      await digestOf({ ...base, callers: { keys: [{ name: "ci", value: "x".repeat(40) }] } }),
      await digestOf({ ...base, env: [{ name: "TOKEN", secret: "one" }] }),
    ];
    assert.equal(new Set([digest, ...others]).size, 4);
  });

  test("variables and secrets stand in the order of their names", async () => {
    const { resources } = await deploy({
      foundry: create,
      env: [
        { name: "ZONE", value: "1" },
        { name: "API_TOKEN", secret: "hush" },
      ],
    });
    const { configuration, template } = Object(only(resources, app).inputs);
    const variables = template.containers[0].env.map(({ name }: { name: string }) => name);
    assert.deepEqual(variables, variables.toSorted());
    assert.deepEqual(
      configuration.secrets.map(({ name }: { name: string }) => name),
      ["env-api-token", "gateway-bundle", "gateway-config"],
    );
  });

  test("ingress, scale, resources and domains are what was asked for", async () => {
    const certificateId = `${subscription}/resourceGroups/apps/providers/Microsoft.App/managedEnvironments/shared/certificates/ai`;
    const { resources, outputs } = await deploy({
      foundry: create,
      ingress: {
        external: false,
        allowedIpRanges: ["203.0.113.7", "198.51.100.0/24"],
        customDomains: [{ name: "ai.example.com" }, { name: "llm.example.com", certificateId }],
      },
      scale: { min: 0, max: 4, concurrentRequests: 20 },
      resources: { cpu: 1 },
    });
    const { configuration, template } = Object(only(resources, app).inputs);
    assert.equal(configuration.ingress.external, false);
    assert.match(String(outputs.endpoint), /^https:\/\/gateway-app0badf00d\.internal\.calm-sea/);
    assert.deepEqual(
      configuration.ingress.ipSecurityRestrictions.map(
        (rule: { ipAddressRange: string; action: string }) => [rule.action, rule.ipAddressRange],
      ),
      [
        ["Allow", "203.0.113.7/32"],
        ["Allow", "198.51.100.0/24"],
      ],
    );
    assert.deepEqual(configuration.ingress.customDomains, [
      { name: "ai.example.com", bindingType: "Auto" },
      { name: "llm.example.com", bindingType: "SniEnabled", certificateId },
    ]);
    assert.equal(template.scale.minReplicas, 0);
    assert.equal(template.scale.maxReplicas, 4);
    assert.equal(template.scale.rules[0].http.metadata.concurrentRequests, "20");
    assert.deepEqual(template.containers[0].resources, { cpu: 1, memory: "2Gi" });
  });

  test("a prebuilt image starts by itself, with the configuration and without the bundle", async () => {
    const { resources } = await deploy({
      foundry: create,
      image: { name: "acme.azurecr.io/gateway:1", registry: { server: "acme.azurecr.io" } },
    });
    const { configuration, template } = Object(only(resources, app).inputs);
    assert.equal(template.containers[0].image, "acme.azurecr.io/gateway:1");
    assert.equal("command" in template.containers[0], false);
    assert.deepEqual(
      configuration.secrets.map(({ name }: { name: string }) => name),
      ["gateway-config"],
    );
    assert.equal(configuration.registries[0].server, "acme.azurecr.io");
    assert.match(configuration.registries[0].identity, /gateway-identity/);
  });
});

test("logs reach the workspace through Azure Monitor: no workspace key is in the stack", async () => {
  const { resources } = await deploy({ foundry: create });
  const environment = only(resources, "azure-native:app:ManagedEnvironment");
  assert.deepEqual(environment.inputs.appLogsConfiguration, { destination: "azure-monitor" });
  const setting = only(resources, "azure-native:monitor:DiagnosticSetting");
  assert.match(String(setting.inputs.workspaceId), /gateway-logs/);
  assert.match(String(setting.inputs.resourceUri), /gateway-environment/);
});

test("the connection offers the deployments under the gateway's URL, with a caller's key", async () => {
  const { resources, outputs } = await deploy({ foundry: create, connection: {} });
  const { inputs } = only(resources, "azure-native:cognitiveservices:ProjectConnection");
  const { properties } = Object(inputs);
  assert.deepEqual([inputs.accountName, inputs.projectName], ["acme-ai", "default"]);
  assert.equal(properties.category, "ModelGateway");
  assert.equal(properties.authType, "ApiKey");
  assert.equal(properties.target, outputs.openaiBaseUrl);
  assert.deepEqual(properties.credentials, { key: outputs.callerKey });
  assert.ok(Object.values(properties.metadata).every((value) => typeof value === "string"));
  assert.deepEqual(JSON.parse(properties.metadata.models), [
    {
      name: "gpt-5-mini",
      properties: { model: { name: "gpt-5-mini", version: "", format: "OpenAI" } },
    },
  ]);
});

function names({ resources }: Deployed): readonly string[] {
  return resources.map(({ name }) => name).toSorted();
}

async function digestOf(args: FoundryGatewayArgs): Promise<unknown> {
  const { resources } = await deploy(args);
  const { template } = Object(only(resources, app).inputs);
  const variable = template.containers[0].env.find(
    ({ name }: { name: string }) => name === "GATEWAY_DIGEST",
  );
  return variable.value;
}
