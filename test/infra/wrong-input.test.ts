import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import type { FoundryGatewayArgs } from "../../infra/args.ts";
import { parseArgs } from "../../infra/args-shape.ts";
import { checkInputs } from "../../infra/check-inputs.ts";
import { InvalidInput } from "../../infra/invalid-input.ts";
import { subscription } from "./azure.ts";
import { bundle, bundleOf } from "./mocked.ts";

/**
 * What cannot work is refused at preview, before a resource is registered, with the input's name
 * and what is allowed. `checkInputs` is the component's first statement.
 */

const foundry: FoundryGatewayArgs["foundry"] = {
  create: { account: "acme-ai", deployments: [{ name: "gpt-5-mini" }] },
};
const accountId = `${subscription}/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts/acme`;

before(async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => assert.fail("nothing is registered"), call: () => ({}) },
    "foundry-gateway",
    "test",
    true,
    "acme",
  );
});

/** Each row: what is wrong, the args, and every problem as `input: message`. */
const rows: readonly (readonly [string, unknown, readonly string[]])[] = [
  ["nothing at all", {}, ["foundry: required"]],
  [
    "two alternatives at once",
    { foundry: { ...foundry, existing: { accountId } } },
    ["foundry: existing and create exclude each other: expected exactly one of existing, create"],
  ],
  ["neither alternative", { foundry: {} }, ["foundry: expected one of existing, create"]],
  [
    "a misspelt input",
    { foundry, scale: { maxx: 3 }, calers: {} },
    [
      "scale: unknown key maxx: did you mean max?",
      "args: unknown key calers: did you mean callers?",
    ],
  ],
  [
    "numbers out of range",
    { foundry, scale: { min: -1, concurrentRequests: 1.5 } },
    [
      "scale.min: expected a whole number from 0 to 1000",
      "scale.concurrentRequests: expected a whole number from 1 to 100000",
    ],
  ],
  ["min over max", { foundry, scale: { min: 12 } }, ["scale: min 12 is over max 10 (default 10)"]],
  [
    "names Azure does not take, all at once",
    {
      foundry: {
        create: {
          account: "Acme_AI",
          project: "-x",
          deployments: [{ name: "a b" }, { name: "ok1" }, { name: "ok1" }],
        },
      },
      resourceGroup: "group.",
    },
    [
      'foundry.create.account: "Acme_AI" is not allowed here: expected 2 to 64 lower-case letters, digits and hyphens, starting and ending with a letter or digit (it is also the account\'s subdomain)',
      'foundry.create.project: "-x" is not allowed here: expected 2 to 64 letters, digits, periods, underscores and hyphens, starting with a letter or digit',
      'foundry.create.deployments[0].name: "a b" is not allowed here: expected 2 to 64 letters, digits, periods, underscores and hyphens, starting with a letter or digit',
      'foundry.create.deployments[2].name: "ok1" is given twice',
      'resourceGroup: "group." is not allowed here: expected 1 to 90 letters, digits, underscores, hyphens, periods and parentheses, not ending in a period',
    ],
  ],
  [
    "an id of something else",
    { foundry: { existing: { accountId: "acme" } }, identity: accountId },
    [
      'foundry.existing.accountId: "acme" is not a resource id of the form /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.CognitiveServices/accounts/<name>',
      `identity: "${accountId}" is not a resource id of the form /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>`,
    ],
  ],
  [
    "callers that are nobody",
    { foundry, callers: {} },
    ["callers: expected keys, entra, or anonymous: true for an endpoint open to everyone"],
  ],
  [
    "anonymous and keys",
    { foundry, callers: { anonymous: true, keys: [{ name: "ci" }] } },
    ["callers: anonymous excludes keys and entra: choose who may call"],
  ],
  [
    "a weak key, told without repeating it",
    { foundry, callers: { keys: [{ name: "ci", value: "hunter2" }] } },
    ["callers.keys[0].value: expected 32 to 512 visible ASCII characters"],
  ],
  [
    "the same environment variable twice, or one of the component's",
    {
      foundry,
      env: [
        { name: "A", value: "1" },
        { name: "A", value: "2" },
        { name: "FOUNDRY_HOST", value: "x" },
        { name: "B", value: "1", secret: "2" },
      ].slice(0, 3),
    },
    ['env[1].name: "A" is given twice', 'env[2].name: "FOUNDRY_HOST" is set by the component'],
  ],
  [
    "two secrets of one name in Azure",
    {
      foundry,
      env: [
        { name: "TOKEN_", secret: "1" },
        { name: "token", secret: "2" },
      ],
    },
    ['env[1].name: "token" gives the same name for a secret as "TOKEN_"'],
  ],
  [
    "a variable with a value and a secret",
    { foundry, env: [{ name: "B", value: "1", secret: "2" }] },
    ["env[0]: value and secret exclude each other: expected exactly one of value, secret"],
  ],
  [
    "an unknown role",
    { foundry, role: "Contributor" },
    [
      'role: "Contributor" is not known: expected Cognitive Services OpenAI User, Cognitive Services User, Foundry User, or the GUID of a role definition, or none',
    ],
  ],
  [
    "cores and memory that are not sold together",
    { foundry, resources: { cpu: 0.5, memory: "4Gi" } },
    ['resources.memory: "4Gi" does not go with cpu 0.5: expected 1Gi'],
  ],
  [
    "ranges and domains",
    {
      foundry,
      ingress: { allowedIpRanges: ["10.0.0.0/33"], customDomains: [{ name: "Not A Domain" }] },
    },
    [
      'ingress.allowedIpRanges[0]: "10.0.0.0/33" is not allowed here: expected an IPv4 address or CIDR range such as 203.0.113.0/24',
      'ingress.customDomains[0].name: "Not A Domain" is not allowed here: expected a domain name in lower case such as ai.example.com',
    ],
  ],
  [
    "an internal environment without a network",
    { foundry, environment: { create: { internal: true } } },
    ["environment.create.internal: an environment without a public address needs subnetId"],
  ],
  [
    "a connection without a key, a project or models",
    {
      foundry: { existing: { accountId } },
      callers: { entra: { audiences: ["api://x"] } },
      connection: {},
    },
    [
      "connection: the Foundry project calls with a key, and callers has none: add one to callers.keys",
      "foundry.existing.project: a connection is made in a project: expected its name",
      "connection.models: the deployments of an existing account are not known: expected the models to offer",
    ],
  ],
  [
    "a bundle and a route, together with what is wrong elsewhere",
    { foundry, scale: { min: 12 }, bundle: "/nowhere.cjs", gateway: { binds: [] } },
    [
      "scale: min 12 is over max 10 (default 10)",
      "bundle: /nowhere.cjs is not there: run npm run build, or give an image",
      "gateway.binds: expected at least one bind",
    ],
  ],
  [
    "image and bundle",
    { foundry, image: { name: "x" }, bundle },
    ["bundle: image and bundle exclude each other: expected one at most"],
  ],
  [
    "a bundle that is not there",
    { foundry, bundle: "/nowhere/gateway.sfx.cjs" },
    ["bundle: /nowhere/gateway.sfx.cjs is not there: run npm run build, or give an image"],
  ],
  [
    "a bundle that no secret can hold",
    { foundry, bundle: bundleOf("large.cjs", "x".repeat(700_001)) },
    [
      `bundle: ${bundleOf("large.cjs", "x".repeat(700_001))} is 700001 bytes, a secret of a container app holds 700000: give an image`,
    ],
  ],
];

describe("the component refuses", () => {
  for (const [what, args, expected] of rows) {
    test(what, () => assert.deepEqual(problemsOf(args), expected));
  }

  test("a name its container app could not have", () => {
    assert.match(
      String(problemsOf({ foundry }, "Gateway--1")),
      /^name: "Gateway--1" is not allowed here/,
    );
  });
});

test("the message names the gateway and holds every problem, one on a line", () => {
  assert.throws(() => checkInputs("gateway", { foundry, callers: {}, role: "Owner" }), {
    name: "InvalidInput",
    message: /^FoundryGateway "gateway" cannot be deployed:\n {2}callers: .*\n {2}role: "Owner" is/,
  });
});

test("values that are outputs are not looked at before they are known", () => {
  const later = pulumi.output(Promise.resolve("x"));
  const args: FoundryGatewayArgs = {
    foundry: { existing: { accountId: later } },
    identity: later,
    resourceGroup: later,
    callers: { keys: [{ name: "ci", value: later }] },
    bundle,
  };
  assert.doesNotThrow(() => checkInputs("gateway", args));
});

function problemsOf(args: unknown, name = "gateway"): readonly string[] {
  const given = Object(args);
  const whole = "bundle" in given || "image" in given ? given : { bundle, ...given };
  try {
    checkInputs(name, parseArgs(name, whole));
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return error.problems.map(({ input, message }) => `${input}: ${message}`);
  }
  return [];
}
