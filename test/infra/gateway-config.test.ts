import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { loadConfig } from "../../gateway/config/load.ts";
import { formatProblem } from "../../gateway/config/problem.ts";
import type { FoundryGatewayArgs } from "../../infra/args.ts";
import { checkInputs } from "../../infra/check-inputs.ts";
import type { GatewayConfigInput } from "../../infra/gateway-config-input.ts";
import { InvalidInput } from "../../infra/invalid-input.ts";
import { timings } from "../../infra/timings.ts";
import { bundle, deploy } from "./mocked.ts";

/** The `gateway` input: the gateway's own format, checked as the gateway checks it. */

const foundry: FoundryGatewayArgs["foundry"] = {
  create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] },
};
const ours = "managedIdentity: { userAssignedIdentity: { clientId: $AZURE_CLIENT_ID } }";

before(async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => assert.fail("nothing is registered"), call: () => ({}) },
    "foundry-gateway",
    "test",
  );
});

/** One route with the gateway's identity; what varies between tests is given. */
function config({
  credential = ours,
  path = "/openai/v1",
  override = "",
  model = "",
  policies = "",
  bind = "",
  listener = "",
} = {}): string {
  return `binds:
- port: 3000
  listeners:
  - name: all
    ${listener}
    routes:
    - name: chat
      matches: [{ path: { pathPrefix: ${path} } }]
      policies:
        backendAuth: { azure: { explicitConfig: { ${credential} } } }
        ${policies}
      backends:
      - ai:
          name: foundry
          hostOverride: $FOUNDRY_HOST:443
          ${override}
          provider: { openAI: { ${model} } }
${bind}
`;
}

/** A prompt guard of the account's own Content Safety. */
function guard(credential: string): string {
  const backendAuth = `{ azure: { explicitConfig: { ${credential} } } }`;
  const asked = `{ endpoint: acme-ai.cognitiveservices.azure.com, policies: { backendAuth: ${backendAuth} }, analyzeText: {} }`;
  return `ai: { promptGuard: { request: [{ azureContentSafety: ${asked} }] } }`;
}

describe("a configuration that does not parse", () => {
  const surroundings = { env: {}, readFile: () => "" };

  test("as text: the gateway's own line, column, path and words", () => {
    const text = "binds:\n- port: 70000\n  listeners:\n  - routez: []\n";
    const loaded = loadConfig(text, surroundings);
    assert.ok("problems" in loaded);
    assert.deepEqual(
      problemsOf({ gateway: text }),
      loaded.problems.map((problem) => formatProblem("gateway", problem)),
    );
    assert.match(problemsOf({ gateway: text })[0] ?? "", /^gateway:2:9: binds\[0\]\.port: /);
  });

  test("as an object: the same path and words", () => {
    const gateway = { binds: [{ port: 70000, listeners: [{ routes: [] }] }] };
    const loaded = loadConfig(JSON.stringify(gateway), surroundings);
    assert.ok("problems" in loaded);
    assert.deepEqual(
      problemsOf({ gateway }),
      loaded.problems.map(({ path, message }) => `gateway.${path}: ${message}`),
    );
  });

  test("what is an output is left out until it is known, what is not is checked now", () => {
    const gateway: GatewayConfigInput = {
      binds: [
        {
          port: pulumi.output(Promise.resolve(3000)),
          listeners: [{ hostname: "not a host", routes: [] }],
        },
      ],
    };
    const problems = problemsOf({ gateway });
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /^gateway\.binds\[0\]\.listeners\[0\]\.hostname: /);
  });

  test("a deployment that is an output is not missing", () => {
    assert.deepEqual(problemsOf({ gateway: routeTo(pulumi.output(Promise.resolve("gpt-4"))) }), []);
    assert.match(
      problemsOf({ gateway: routeTo("gpt-4") })[0] ?? "",
      /there is no deployment "gpt-4"/,
    );
  });

  test("an undefined variable is told; the app's own and those of env are known", () => {
    assert.match(problemsOf({ gateway: config({ model: "model: $MODEL" }) })[0] ?? "", /MODEL/);
    const env = [{ name: "MODEL", value: "gpt-5-mini" }];
    assert.deepEqual(problemsOf({ gateway: config({ model: "model: $MODEL" }), env }), []);
  });
});

describe("a configuration the stack could not serve", () => {
  const rows: readonly (readonly [string, Partial<FoundryGatewayArgs>, string])[] = [
    [
      "a route to a deployment that does not exist",
      { gateway: config({ model: "model: gpt-4" }) },
      'gateway.binds[0].listeners[0].routes[0].backends[0].ai.provider.openAI.model: there is no deployment "gpt-4": foundry.create.deployments has gpt-5-mini',
    ],
    [
      "a role that cannot cover a route",
      {
        gateway: config({ override: "pathOverride: /models/chat/completions" }),
        role: "Cognitive Services OpenAI User",
      },
      "role: Cognitive Services OpenAI User does not cover gateway.binds[0].listeners[0].routes[0].backends[0] (/models/chat/completions): expected Cognitive Services User",
    ],
    [
      "a role that cannot cover a prompt guard of the same account",
      { gateway: config({ policies: guard(ours) }), role: "Cognitive Services OpenAI User" },
      "role: Cognitive Services OpenAI User does not cover gateway.binds[0].listeners[0].routes[0].backends[0]'s promptGuard (/contentsafety): expected Cognitive Services User",
    ],
    [
      "a prompt guard with the system-assigned identity",
      { gateway: config({ policies: guard("managedIdentity: {}") }) },
      "gateway.binds[0].listeners[0].routes[0].backends[0]'s promptGuard: the app has no system-assigned identity: expected managedIdentity.userAssignedIdentity with clientId: $AZURE_CLIENT_ID",
    ],
    [
      "more than one bind",
      { gateway: config({ bind: "- { port: 3001, listeners: [{ routes: [] }] }" }) },
      "gateway.binds: the app's ingress reaches one port: expected one bind, with several listeners if needed",
    ],
    [
      "readiness that is off",
      { gateway: `${config()}\nconfig: { readinessAddr: "off" }` },
      "gateway.config.readinessAddr: the app's probes ask for readiness from outside the container: expected a port of every interface",
    ],
    [
      "the system-assigned identity, which the app has not",
      { gateway: config({ credential: "managedIdentity: {}" }) },
      "gateway.binds[0].listeners[0].routes[0].backends[0]: the app has no system-assigned identity: expected managedIdentity.userAssignedIdentity with clientId: $AZURE_CLIENT_ID",
    ],
    [
      "workload identity, which Container Apps has not",
      { gateway: config({ credential: "workloadIdentity: {}" }) },
      "gateway.binds[0].listeners[0].routes[0].backends[0]: Container Apps has no workload identity: expected managedIdentity.userAssignedIdentity with clientId: $AZURE_CLIENT_ID",
    ],
  ];
  for (const [what, args, expected] of rows) {
    test(what, () => assert.deepEqual(problemsOf(args), [expected]));
  }
});

describe("an open endpoint", () => {
  const open = config({
    policies: `apiKey: { mode: optional, keys: [{ key: ${"k".repeat(32)} }] }`,
  });

  test("is refused where a route spends the identity's money for unchecked callers", () => {
    assert.deepEqual(problemsOf({ gateway: open }), [
      "gateway.binds[0].listeners[0].routes[0]: route chat sends a credential for callers it does not check: expected apiKey or jwtAuth with mode strict, or callers.anonymous: true",
    ]);
  });

  test("is made when the stack says so in as many words", () => {
    assert.deepEqual(problemsOf({ gateway: open, callers: { anonymous: true } }), []);
    assert.deepEqual(problemsOf({ gateway: config(), callers: { anonymous: true } }), []);
  });

  test("a route without a check of its own gets the callers'; one that has its own keeps it", async () => {
    const key = "k".repeat(32);
    const own = config({ policies: `apiKey: { keys: [{ key: ${key} }] }` });
    const inherited = config({ listener: `policies: { apiKey: { keys: [{ key: ${key} }] } }` });
    for (const [gateway, expected] of [
      [config(), /keyHash: sha256:/],
      [own, /key: k{32}/],
      [inherited, /key: k{32}/],
    ] as const) {
      const { outputs } = await deploy({ foundry, gateway });
      assert.equal(String(outputs.gatewayConfig).match(/apiKey:/g)?.length, 1);
      assert.match(String(outputs.gatewayConfig), expected);
    }
  });
});

describe("from the configuration follow", () => {
  test("the ingress's port, the probes' port and the SDK's base URL", async () => {
    const gateway = `${config({ path: "/azure", override: "pathOverride: /models/chat/completions?api-version=2024-05-01-preview" }).replace("3000", "8080")}\nconfig: { readinessAddr: ":9000" }`;
    const { resources, outputs } = await deploy({ foundry, gateway });
    const app = resources.find(({ type }) => type.endsWith(":ContainerApp"));
    const { configuration, template } = Object(app?.inputs);
    assert.equal(configuration.ingress.targetPort, 8080);
    for (const { httpGet, tcpSocket } of template.containers[0].probes) {
      assert.equal((httpGet ?? tcpSocket).port, 9000);
    }
    assert.match(String(outputs.openaiBaseUrl), /\.io\/azure$/);
    assert.equal(outputs.role, "Cognitive Services User");
  });

  test("the role of a prompt guard of the same account, not of another's", async () => {
    const own = guard(ours);
    const another = own.replace("acme-ai.cog", "other.cog");
    for (const [policies, role] of [
      [own, "Cognitive Services User"],
      [another, "Cognitive Services OpenAI User"],
    ] as const) {
      const { outputs } = await deploy({ foundry, gateway: config({ policies }) });
      assert.equal(outputs.role, role);
    }
  });

  test("a time limit on each route, below the ingress's own; a route's own limit stays", async () => {
    const limited = config({ policies: "timeout: { requestTimeout: 20s }" });
    for (const [gateway, expected] of [
      [config(), timings.answerBegins],
      [limited, 20],
    ] as const) {
      const { outputs } = await deploy({ foundry, gateway });
      const [, seconds] = /requestTimeout: (\d+)s/.exec(String(outputs.gatewayConfig)) ?? [];
      assert.equal(Number(seconds), expected);
    }
    assert.ok(timings.answerBegins < timings.ingressIdle);
  });

  test("the role of a project's routes", async () => {
    const gateway = config({
      override: "pathOverride: /api/projects/research/openai/v1/chat/completions",
    });
    const { outputs } = await deploy({ foundry, gateway });
    assert.equal(outputs.role, "Foundry User");
  });
});

test("a secret in the configuration makes its text secret, and neither port nor URL", async () => {
  const gateway: GatewayConfigInput = {
    binds: [
      {
        port: 3000,
        listeners: [
          {
            routes: [
              {
                backends: [
                  {
                    ai: {
                      name: "other",
                      hostOverride: "other.example.com:443",
                      provider: { openAI: {} },
                    },
                    policies: { backendAuth: { key: pulumi.secret("upstream-key") } },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  };
  const { outputs, secrets } = await deploy({ foundry, gateway });
  assert.match(String(outputs.gatewayConfig), /upstream-key/);
  assert.deepEqual(secrets, ["callerKey", "callerKeys", "gatewayConfig"]);
});

/** One route with the gateway's identity, as an object. */
function routeTo(model: pulumi.Input<string>): GatewayConfigInput {
  return {
    binds: [
      {
        port: 3000,
        listeners: [
          {
            routes: [
              {
                policies: {
                  backendAuth: {
                    azure: {
                      explicitConfig: {
                        managedIdentity: {
                          userAssignedIdentity: { clientId: "$AZURE_CLIENT_ID" },
                        },
                      },
                    },
                  },
                },
                backends: [
                  {
                    ai: {
                      name: "foundry",
                      hostOverride: "$FOUNDRY_HOST:443",
                      provider: { openAI: { model } },
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  };
}

function problemsOf(args: Partial<FoundryGatewayArgs>): readonly string[] {
  try {
    checkInputs("gateway", { foundry, bundle, ...args });
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return error.problems.map(({ input, message }) => `${input}: ${message}`);
  }
  return [];
}
