// The threat: a client secret, an assertion or a token in the log or in an answer (pitfall 6). The
// SDK's errors repeat what the issuer said, and an issuer, or a proxy before it, may say anything:
// here it echoes what it was sent and what it has given before.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { describeFailure, describeSource } from "../../../../gateway/backend/credential/failure.ts";
import type { AzureSource } from "../../../../gateway/config/run/backend.ts";
import { secret } from "../../../../gateway/config/secret.ts";
import { makeAuthority } from "../../../stand-in/certificate.ts";
import { startEntra } from "../../../stand-in/entra.ts";
import { type Reply, call } from "../../caller.ts";
import { type WrittenRoute, model, routes, systemAssigned } from "../../configuration.ts";
import { runGateway, trust } from "../../running-gateway.ts";
import { askWhilePassing, question, quiet, scope, startKeyless } from "./keyless.ts";

const azure = await startKeyless();
const { clock, foundry, identity, tokens } = azure;
const authority = await makeAuthority();
trust(authority);
const directory = await mkdtemp(join(tmpdir(), "secrecy-"));
const app = {
  name: "app",
  clientId: "app-client",
  clientSecret: "q8Q~short+secret/with=signs",
  federatedToken: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwb2QifQ.c2lnbmF0dXJl",
};
const entra = await startEntra({
  tokens,
  certificate: await authority.serverCertificate(),
  tenantId: "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
  applications: [app],
});
const env = { ...process.env, ...(await entra.workloadEnvironment(app, directory)) };
beforeEach(async () => {
  await azure.reset();
  entra.reset();
});
after(async () => {
  await azure.close();
  await entra.close();
  await rm(directory, { recursive: true });
});

const sources = {
  managedIdentity: systemAssigned.azure.explicitConfig,
  clientSecret: {
    clientSecret: {
      tenantId: entra.tenantId,
      clientId: app.clientId,
      clientSecret: app.clientSecret,
    },
  },
  workloadIdentity: { workloadIdentity: {} },
} as const;
const paths = ["managedIdentity", "clientSecret", "workloadIdentity"] as const;
const config = routes(
  ...paths.map((path): WrittenRoute => ({
    matches: [{ path: { pathPrefix: `/${path}` } }],
    backends: [model(`localhost:${foundry.port}`, { pathOverride: "/v1/chat/completions" })],
    policies: { backendAuth: { azure: { explicitConfig: sources[path], scope } } },
  })),
);

/** Everything that must not be seen; `more` for what a test itself made up. */
const secrets = (...more: readonly string[]): readonly string[] => [
  app.clientSecret,
  encodeURIComponent(app.clientSecret),
  app.federatedToken,
  ...tokens.all().map(({ token }) => token),
  ...more,
];

function assertSilent(where: string, text: string, hidden: readonly string[]): void {
  for (const word of hidden) assert.ok(!text.includes(word), `${where} shows ${word}`);
}

function assertSilentReply({ body, rawHeaders }: Reply, hidden: readonly string[]): void {
  assertSilent("an answer", body.toString() + rawHeaders.join("\n"), hidden);
}

test("no secret and no token is logged or answered while all is well", async (t) => {
  const { origin, logText, accessLog } = await runGateway(t, config, { clock, env });
  for (const path of paths) {
    const reply = await call(origin, { ...question, path: `/${path}` });
    assert.equal(reply.status, 200);
    assertSilentReply(reply, secrets());
  }
  await accessLog(3);
  assert.equal(tokens.all().length >= 3, true);
  assertSilent("the log", logText(), secrets());
});

test("no secret and no token is logged or answered when the issuer echoes them in its errors", async (t) => {
  const jwt = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJodHRwcyJ9.c2ln-bmF0_dXJl";
  const given = tokens.mint({ identity: "app", audience: scope, lifetimeSeconds: 60 }).token;
  const echo = [app.clientSecret, encodeURIComponent(app.clientSecret), app.federatedToken];
  const told = `you sent ${echo.join(" and ")}, you have ${given}, or ${jwt}`;
  const body = { error: "invalid_client", error_description: told, message: told };
  for (const issuer of [identity, entra]) issuer.always({ kind: "status", status: 400, body });

  const { origin, logText, accessLog, logged } = await runGateway(t, config, { clock, env });
  for (const path of paths) {
    const reply = await askWhilePassing(origin, clock, { ...question, path: `/${path}` });
    assert.equal(reply.status, 502);
    assertSilentReply(reply, [...secrets(jwt), "you sent"]);
  }
  await accessLog(3);
  assert.ok(logText().includes("you sent [redacted]"));
  assertSilent("the log", logText(), [jwt, given, app.federatedToken]);
  // The secret itself only the credential that has it can know.
  const lines = logged().filter(({ credential }) => String(credential).startsWith("clientSecret"));
  assert.ok(lines.length > 0);
  assertSilent("the log", JSON.stringify(lines), secrets(jwt));
  assert.equal(foundry.requests.length, 0);
});

test("a token inside an answer that cannot be understood is not logged", async (t) => {
  const given = tokens.mint({ identity: "app", audience: scope, lifetimeSeconds: 60 }).token;
  const body = { token_type: "Bearer", oops: given, error: "odd", error_description: given };
  for (const issuer of [identity, entra]) issuer.always({ kind: "status", status: 200, body });
  const { origin, logText } = await runGateway(t, config, { clock, env });
  for (const path of paths) {
    await askWhilePassing(origin, clock, { ...question, path: `/${path}` });
  }
  await quiet(clock);
  assert.ok(logText().includes("no token"));
  assertSilent("the log", logText(), secrets());
});

const described: AzureSource = {
  kind: "clientSecret",
  tenantId: "t",
  clientId: "c",
  clientSecret: secret("a b&c"),
};
for (const { thrown, said } of [
  { thrown: new Error("a b&c"), said: "[redacted]" },
  { thrown: new Error("client_secret=a%20b%26c"), said: "client_secret=[redacted]" },
  { thrown: new Error("two\n  lines"), said: "two lines" },
  { thrown: new Error("x ".repeat(500)), said: `${"x ".repeat(200)}...` },
  { thrown: "a b&c", said: "unknown failure" },
  { thrown: undefined, said: "unknown failure" },
  { thrown: Object.create(null), said: "unknown failure" },
  {
    thrown: new Error("Trace ID: 5ee71ccb-1a3b-4860-854f-e46ab6c81633"),
    said: "Trace ID: 5ee71ccb-1a3b-4860-854f-e46ab6c81633",
  },
]) {
  test(`of a failure the log says ${JSON.stringify(said.slice(0, 50))}`, () => {
    assert.equal(describeFailure(thrown, described), said);
  });
}

test("an empty secret does not turn the log into noise", () => {
  assert.equal(
    describeFailure(new Error("as is"), { ...described, clientSecret: secret("") }),
    "as is",
  );
});

for (const { source, said } of [
  { source: described, said: "clientSecret of application c" },
  { source: { kind: "workloadIdentity" }, said: "workload identity" },
  {
    source: { kind: "managedIdentity", identity: { kind: "systemAssigned" } },
    said: "system-assigned managed identity",
  },
  {
    source: { kind: "managedIdentity", identity: { kind: "objectId", id: "o" } },
    said: "user-assigned managed identity with objectId o",
  },
] satisfies readonly { source: AzureSource; said: string }[]) {
  test(`the log names a credential: ${said}`, () => assert.equal(describeSource(source), said));
}
