// The bundle leaves out what is never run, and has some of the rest run when it is first used
// (build/absent.ts, build/deferring.ts). What is left out throws when it is called: so each way through
// the gateway that stands on a dependency is gone here, by the bundle itself. The credentials that a
// configuration spells out are in seed-configurations.test.ts.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, test, type TestContext } from "node:test";
import { call, chat } from "../gateway/caller.ts";
import { type WrittenRoute, configuration } from "../gateway/configuration.ts";
import { open } from "../gateway/websocket/client.ts";
import { freePort } from "../demo/gateway-process.ts";
import { createCallerTokens } from "../stand-in/caller-tokens.ts";
import { type Azure, application, startAzure, system, tenantId, user, workload } from "./azure.ts";
import { bundle, startChild } from "./gateway-child.ts";

let azure: Azure;
before(async () => {
  azure = await startAzure();
});
beforeEach(() => azure.reset());
after(() => azure.close());

const question = chat({ model: "gpt-5-mini", messages: [{ role: "user", content: "Hi" }] });
const implicit = { backendAuth: { azure: { implicit: {} } } };

/** The bundle with one bind; its origin, and what it says. */
async function run(
  t: TestContext,
  routes: readonly WrittenRoute[],
  environment: Readonly<Record<string, string>> = azure.environment,
) {
  const port = await freePort();
  const file = join(azure.directory, `parts-${port}.yaml`);
  const binds = [{ port, listeners: [{ routes: [...routes] }] }];
  await writeFile(file, configuration({ config: { readinessAddr: "off" }, binds }));
  const gateway = startChild(t, bundle, ["-f", file], environment);
  await gateway.said('"msg":"listening"');
  return { origin: `http://127.0.0.1:${port}`, gateway };
}

function toFoundry(policies: NonNullable<WrittenRoute["policies"]>): WrittenRoute {
  const { foundry, directory } = azure;
  return {
    policies: { backendTLS: { root: `${directory}/ca.pem` }, ...policies },
    backends: [
      {
        ai: {
          name: "foundry",
          hostOverride: `localhost:${foundry.port}`,
          provider: { azure: { resourceName: "res", resourceType: "openAI" } },
        },
      },
    ],
  };
}

const secretInEnvironment = {
  AZURE_TENANT_ID: tenantId,
  AZURE_CLIENT_ID: application.clientId,
  AZURE_CLIENT_SECRET: application.clientSecret,
};

for (const { found, environment, identity } of [
  {
    found: "a secret in the environment",
    environment: () => ({ ...azure.environment, ...secretInEnvironment }),
    identity: application.name,
  },
  {
    found: "a workload identity",
    environment: () => azure.podEnvironment,
    identity: workload.name,
  },
  {
    found: "the system-assigned identity",
    environment: () => azure.environment,
    identity: system.name,
  },
  {
    found: "the user-assigned identity that the environment names",
    environment: () => ({ ...azure.environment, AZURE_CLIENT_ID: user.clientId }),
    identity: user.name,
  },
]) {
  test(`implicit finds ${found}`, { timeout: 30_000 }, async (t) => {
    const { origin } = await run(t, [toFoundry(implicit)], environment());
    assert.equal((await call(origin, question)).status, 200);
    assert.equal(azure.foundry.requests[0]?.token?.identity, identity);
  });
}

for (const tool of ["az", "azd"]) {
  test(`developerImplicit asks ${tool}`, { timeout: 30_000 }, async (t) => {
    const { directory, tokens } = azure;
    const audience = "https://cognitiveservices.azure.com";
    const { token } = tokens.mint({ identity: tool, audience, lifetimeSeconds: 3600 });
    const answers = {
      az: { accessToken: token, expiresOn: "2099-01-01 00:00:00.000000", expires_on: 4070908800 },
      azd: { token, expiresOn: "2099-01-01T00:00:00Z" },
    };
    const answer = JSON.stringify(tool === "az" ? answers.az : answers.azd);
    const bin = join(directory, `bin-${tool}`);
    await mkdir(bin);
    await writeFile(join(bin, tool), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
    const policies = { backendAuth: { azure: { developerImplicit: {} } } };
    const environment = { ...azure.environment, PATH: `${bin}:/usr/bin:/bin` };
    const { origin } = await run(t, [toFoundry(policies)], environment);
    assert.equal((await call(origin, question)).status, 200);
    assert.equal(azure.foundry.requests[0]?.token?.identity, tool);
  });
}

test("a pattern in a match, and a caller's JWT", { timeout: 30_000 }, async (t) => {
  const issuer = "https://login.example.com/v2.0";
  const callers = createCallerTokens(issuer, tenantId);
  const inline = JSON.stringify(await callers.keySet());
  const jwtAuth = { issuer, audiences: ["gateway"], jwks: { inline } };
  const { origin } = await run(t, [
    { ...toFoundry({ ...implicit, jwtAuth }), matches: [{ path: { regex: "/v[0-9]/.*" } }] },
  ]);
  const asked = async (token: string) => {
    const headers = { ...question.headers, authorization: `Bearer ${token}` };
    return (await call(origin, { ...question, headers })).status;
  };
  assert.equal(await asked(await callers.sign({ aud: "gateway" })), 200);
  assert.equal(await asked(await callers.sign({ aud: "another" })), 401);
  assert.equal(await asked(await callers.sign({ aud: "gateway" }, "unpublished")), 401);
  assert.equal((await call(origin, { ...question, path: "/vx/chat/completions" })).status, 404);
  assert.equal(azure.foundry.requests.length, 1);
});

test("a WebSocket", { timeout: 30_000 }, async (t) => {
  const { origin } = await run(t, [toFoundry(implicit)]);
  const client = await open(origin, "/v1/realtime?model=gpt-realtime");
  client.send({ type: "response.create" });
  assert.equal((await client.until("response.done"))[0]?.["type"], "session.created");
  assert.equal(azure.foundry.sessions[0]?.token?.identity, system.name);
  client.socket.close(1000, "done");
  assert.equal(await client.closed, 1000);
});

test("an answer with a token does not take Node's own fetch", { timeout: 30_000 }, async (t) => {
  const tell = `process.on("exit", () => console.error(process.moduleLoadList.join()))`;
  const preload = `--import=data:text/javascript,${encodeURIComponent(tell)}`;
  const environment = { ...azure.environment, NODE_OPTIONS: preload };
  const { origin, gateway } = await run(t, [toFoundry(implicit)], environment);
  assert.equal((await call(origin, question)).status, 200);
  gateway.process.kill("SIGTERM");
  assert.equal(await gateway.ended, 0);
  assert.match(gateway.stderr(), /NativeModule net,/);
  assert.doesNotMatch(gateway.stderr(), /undici/);
});

test("a transparent backend, with and without a body", { timeout: 30_000 }, async (t) => {
  const { foundry, directory } = azure;
  const { origin, gateway } = await run(t, [
    {
      policies: { backendTLS: { root: `${directory}/ca.pem` }, ...implicit },
      backends: [{ host: `localhost:${foundry.port}` }],
    },
  ]);
  const body = "a".repeat(100_000);
  const headers = { "content-type": "text/plain" };
  const sent = await call(origin, { method: "POST", path: "/speech/mirror?q=1", headers, body });
  assert.equal(sent.status, 200);
  assert.equal(sent.body.toString(), body);
  assert.equal((await call(origin, { path: "/speech/mirror?q=1" })).status, 200);
  await foundry.close();
  const refused = await call(origin, { path: "/speech/mirror" });
  assert.equal(refused.status, 502);
  assert.doesNotMatch(gateway.stdout(), /is not in this bundle|is not a function/);
});
