// A token can be revoked, or its role can arrive late: a 401 says so, long before the token expires. A
// gateway that keeps the token repeats the 401 for an hour (pitfall 7); one that renews at every 401
// turns a missing role into a flood of calls to the issuer. Here: one new token, one more try, and then
// Azure's own words.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { startIdentityEndpoint } from "../../stand-in/identity-endpoint.ts";
import { createTokens } from "../../stand-in/tokens.ts";
import { call, chat } from "../caller.ts";
import { type WrittenBackend, model, routes, systemAssigned } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const tokens = createTokens();
const foundry = await startFoundry({ tokens });
const identity = await startIdentityEndpoint({
  tokens,
  systemAssigned: { name: "gateway", clientId: "c", objectId: "o" },
});
// The identity library reads the environment of the process.
Object.assign(process.env, identity.environment);
beforeEach(() => {
  foundry.reset();
  identity.reset();
});
after(async () => {
  await foundry.close();
  await identity.close();
});

const behind = (backend: WrittenBackend) =>
  routes({ backends: [backend], policies: { backendAuth: systemAssigned } });
const ai = model(`localhost:${foundry.port}`);
const host: WrittenBackend = { host: `localhost:${foundry.port}` };
const question = chat({ messages: [{ role: "user", content: "Hi" }] });

for (const { name, backend, asked } of [
  { name: "a chat completion", backend: ai, asked: question },
  { name: "a GET of a host backend", backend: host, asked: { path: "/language/x" } },
]) {
  test(`${name} with a revoked token is sent once more with a new one`, async (t) => {
    const { origin, accessLog } = await runGateway(t, behind(backend));
    assert.equal((await call(origin, asked)).status, 200);
    tokens.revoke();
    const reply = await call(origin, asked);
    assert.equal(reply.status, 200);
    assert.equal(identity.calls.length, 2);
    const [first, second, third] = foundry.requests;
    assert.equal(first?.headers.authorization, second?.headers.authorization);
    assert.notEqual(second?.headers.authorization, third?.headers.authorization);
    assert.deepEqual(second?.body, third?.body);
    assert.partialDeepStrictEqual((await accessLog(2))[1], { attempts: 2, status: 200 });
  });

  test(`${name} refused twice is answered with Azure's 401, and the issuer is left alone`, async (t) => {
    const { origin } = await runGateway(t, behind(backend));
    foundry.always({ kind: "unauthorized" });
    for (let turn = 0; turn < 5; turn += 1) {
      const reply = await call(origin, asked);
      assert.equal(reply.status, 401);
      assert.match(
        reply.body.toString(),
        /Access token is missing, invalid, audience is incorrect/,
      );
    }
    assert.ok(identity.calls.length <= 2, `${identity.calls.length} calls for a token`);
    assert.ok(foundry.requests.length <= 10);
  });
}

test(
  "an upload too large to keep is not sent again: its 401 passes, and soon the next has a new token",
  { timeout: 20_000 },
  async (t) => {
    const { origin } = await runGateway(t, behind(host));
    const body = Buffer.alloc(1024 * 1024 + 1, "image");
    const upload = { method: "POST", path: "/contentsafety/image:analyze", body };
    assert.equal((await call(origin, upload)).status, 200);
    tokens.revoke();
    assert.equal((await call(origin, upload)).status, 401);
    // The new token is on its way; until it is here, the old one serves.
    let { status } = await call(origin, upload);
    while (status === 401) ({ status } = await call(origin, upload));
    assert.equal(status, 200);
    assert.equal(identity.calls.length, 2);
  },
);

test("a 401 to a key is passed on: there is no other key to try", async (t) => {
  const { origin } = await runGateway(
    t,
    routes({ backends: [ai], policies: { backendAuth: { key: "wrong" } } }),
  );
  assert.equal((await call(origin, question)).status, 401);
  assert.equal(foundry.requests.length, 1);
});

test("tokens of one identity for two audiences are never mixed", async (t) => {
  const { origin } = await runGateway(
    t,
    routes(
      {
        matches: [{ path: { pathPrefix: "/foundry" } }],
        backends: [model("f.services.ai.azure.com:80", { pathOverride: "/v1/chat/completions" })],
        policies: { backendAuth: systemAssigned },
      },
      {
        matches: [{ path: { pathPrefix: "/openai" } }],
        backends: [model("o.openai.azure.com:80", { pathOverride: "/v1/chat/completions" })],
        policies: { backendAuth: systemAssigned },
      },
    ),
    { upstreamPort: foundry.port },
  );
  for (let turn = 0; turn < 3; turn += 1) {
    await Promise.all([
      call(origin, { ...question, path: "/foundry" }),
      call(origin, { ...question, path: "/openai" }),
    ]);
  }
  assert.equal(foundry.requests.length, 6);
  for (const { headers, token } of foundry.requests) {
    const audience =
      headers.host === "f.services.ai.azure.com"
        ? "https://ai.azure.com"
        : "https://cognitiveservices.azure.com";
    assert.equal(token?.audience, audience);
  }
  assert.equal(identity.calls.length, 2);
});
