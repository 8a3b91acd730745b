// The threat: a caller whose key is for some models uses another, by saying one thing where the
// gateway looks and another where the backend looks: a second `model`, a deployment in the path, an
// encoded path, a service in which the model cannot be told.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, chat, errorOf } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes(
  {
    backends: [model(`localhost:${foundry.port}`, { provider: { openAI: {} } })],
    policies: {
      backendAuth: { key: "any" },
      apiKey: {
        keys: [
          { key: "some", allowedModels: ["cheap", "mini-*"] },
          { key: "none", allowedModels: [] },
          { key: "all" },
        ],
      },
    },
  },
  {
    matches: [{ path: { pathPrefix: "/contentsafety" } }],
    backends: [{ host: `localhost:${foundry.port}` }],
    policies: {
      backendAuth: { key: "any" },
      apiKey: { keys: [{ key: "some", allowedModels: ["cheap"] }, { key: "all" }] },
    },
  },
);
const messages = '"messages":[{"role":"user","content":"Hi"}]';
const asks = (body: string, path = "/v1/chat/completions", key = "some"): Call => ({
  ...chat(body, { "api-key": key }),
  path,
});

for (const [name, asked, code] of [
  ["another model", asks(`{"model":"dear",${messages}}`), "model_not_allowed"],
  ["a model of another case", asks(`{"model":"Cheap",${messages}}`), "model_not_allowed"],
  [
    "a model with a listed one in front",
    asks(`{"model":"cheaper",${messages}}`),
    "model_not_allowed",
  ],
  ["a listed model last", asks(`{"model":"dear",${messages},"model":"cheap"}`), "invalid_type"],
  ["a listed model first", asks(`{"model":"cheap",${messages},"model":"dear"}`), "invalid_type"],
  [
    "a model behind an escape",
    asks(`{"mo\\u0064el":"dear",${messages},"model":"cheap"}`),
    "invalid_type",
  ],
  [
    "a model that is no text and one that is",
    asks(`{"model":["dear"],${messages},"model":"cheap"}`),
    "invalid_type",
  ],
  [
    "a deployment in the path",
    asks(
      `{"model":"cheap",${messages}}`,
      "/openai/deployments/dear/chat/completions?api-version=1",
    ),
    "model_not_allowed",
  ],
  [
    "an encoded deployment",
    asks(`{"model":"cheap",${messages}}`, "/openai/deployments/%64ear/chat/completions"),
    "model_not_allowed",
  ],
  [
    "encoded deployments",
    asks(`{"model":"cheap",${messages}}`, "/openai/%64eploy%6Dents/dear/chat/completions"),
    "model_not_allowed",
  ],
  [
    "an encoded slash",
    asks(`{"model":"cheap",${messages}}`, "/openai/deployments%2Fdear/chat/completions"),
    "model_not_allowed",
  ],
  [
    "doubled slashes",
    asks(`{"model":"cheap",${messages}}`, "/openai//deployments//dear/chat/completions"),
    "model_not_allowed",
  ],
  [
    "another case of the path",
    asks(`{"model":"cheap",${messages}}`, "/openai/Deployments/dear/chat/completions"),
    "model_not_allowed",
  ],
  [
    "a second deployment",
    asks(`{"model":"cheap",${messages}}`, "/deployments/cheap/deployments/dear/chat/completions"),
    "model_not_allowed",
  ],
  [
    "a deployment in broken encoding",
    asks(`{"model":"cheap",${messages}}`, "/openai/deployments/%ff%fe/chat/completions"),
    "model_not_allowed",
  ],
  ["a service without a model", asks("{}", "/contentsafety/text:analyze"), "model_not_allowed"],
  [
    "any model where none is listed",
    asks(`{"model":"cheap",${messages}}`, "/v1/chat/completions", "none"),
    "model_not_allowed",
  ],
] as const) {
  test(`${name}: refused with ${code}, nothing sent`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    const reply = await call(origin, asked);
    assert.equal(reply.status, code === "model_not_allowed" ? 403 : 400);
    assert.equal(errorOf(reply)["code"], code);
    assert.equal(foundry.connections.tcp, 0);
  });
}

test("a listed model passes, in the body and in the path, and a pattern stands for what begins so", async (t) => {
  const { origin } = await runGateway(t, yaml);
  for (const asked of [
    asks(`{"model":"cheap",${messages}}`),
    asks(`{"model":"mini-4",${messages},"model":"mini-4"}`),
    asks(
      `{"model":"cheap",${messages}}`,
      "/openai/deployments/mini-2/chat/completions?api-version=2024-10-21",
    ),
    asks(
      `{"model":"dear",${messages}}`,
      "/openai/deployments/dear/chat/completions?api-version=2024-10-21",
      "all",
    ),
  ]) {
    assert.equal((await call(origin, asked)).status, 200);
  }
  assert.notEqual((await call(origin, asks("{}", "/contentsafety/x", "all"))).status, 403);
  assert.equal(foundry.requests.length, 5);
});
