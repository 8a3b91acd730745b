// The threat: a token sent in the clear, or to somebody who only says he is the backend. agentgateway
// speaks plain HTTP to port 443 unless `backendTLS` is written; this gateway speaks TLS there, checks
// the certificate against the name in the config, and does not send one byte of the request before.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Authority, type KeyPair, makeAuthority } from "../../stand-in/certificate.ts";
import { type Foundry, startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, errorOf } from "../caller.ts";
import { type WrittenBackend, model, routes } from "../configuration.ts";
import { type Options, runGateway, trust } from "../running-gateway.ts";

const name = "ai-gateway.services.ai.azure.com";
let authority: Authority;
let foreign: Authority;
let client: KeyPair;
let foundry: Foundry;
/** Its certificate is for other names. */
let misnamed: Foundry;
let mutual: Foundry;
before(async () => {
  authority = await makeAuthority();
  foreign = await makeAuthority();
  client = await authority.clientCertificate("gateway");
  const certificate = await authority.serverCertificate("*.services.ai.azure.com");
  foundry = await startFoundry({ accept: "any", certificate });
  misnamed = await startFoundry({
    accept: "any",
    certificate: await authority.serverCertificate("elsewhere.example"),
  });
  mutual = await startFoundry({
    accept: "any",
    certificate,
    clientCertificates: { authority: authority.cert, when: "required" },
  });
});
beforeEach(() => {
  for (const each of [foundry, misnamed, mutual]) each.reset();
});
after(() => Promise.all([foundry, misnamed, mutual].map((each) => each.close())));

const asked = chat({ messages: [{ role: "user", content: "Hi" }] });
type Tls = NonNullable<WrittenBackend["policies"]>["backendTLS"];

const behind = (target: string, backendTLS?: Tls) =>
  routes({
    backends: [model(target)],
    policies: { backendAuth: { key: "any" }, ...(backendTLS === undefined ? {} : { backendTLS }) },
  });
const files = (): Options["files"] => ({
  "ca.pem": authority.cert,
  "foreign.pem": foreign.cert,
  "client.pem": client.cert,
  "client.key": client.key,
});

for (const { rule, target, tls, servername } of [
  {
    rule: "backendTLS.root is trusted",
    target: `${name}:8443`,
    tls: { root: "ca.pem" },
    servername: name,
  },
  {
    rule: "backendTLS.hostname is asked for and checked instead of the target's name",
    target: "10.1.2.3:8443",
    tls: { root: "ca.pem", hostname: name },
    servername: name,
  },
  {
    rule: "backendTLS.insecure takes any certificate",
    target: "unknown.example:8443",
    tls: { insecure: true },
    servername: "unknown.example",
  },
  {
    rule: "backendTLS.insecureHost takes any name of a trusted authority",
    target: "unknown.example:8443",
    tls: { root: "ca.pem", insecureHost: true },
    servername: "unknown.example",
  },
] as const) {
  test(rule, async (t) => {
    const { origin } = await runGateway(t, behind(target, tls), {
      upstreamPort: foundry.port,
      files: files() ?? {},
    });
    assert.equal((await call(origin, asked)).status, 200);
    assert.equal(foundry.requests[0]?.servername, servername);
    assert.equal(foundry.connections.tls, 1);
  });
}

for (const { rule, server, target, tls } of [
  {
    rule: "a certificate of an unknown authority",
    server: () => foundry,
    target: `${name}:8443`,
    tls: { root: "foreign.pem" },
  },
  {
    rule: "an unknown authority behind the default of port 443",
    server: () => foundry,
    target: `${name}:443`,
    tls: undefined,
  },
  {
    rule: "a certificate for another name",
    server: () => misnamed,
    target: `${name}:8443`,
    tls: { root: "ca.pem" },
  },
  {
    rule: "insecureHost with an unknown authority",
    server: () => foundry,
    target: `${name}:8443`,
    tls: { root: "foreign.pem", insecureHost: true },
  },
  {
    rule: "no client certificate where the backend wants one",
    server: () => mutual,
    target: `${name}:8443`,
    tls: { root: "ca.pem" },
  },
] as const) {
  test(`${rule} is a 502 that tells the caller nothing, and no request is sent`, async (t) => {
    const { origin, logText, accessLog } = await runGateway(t, behind(target, tls), {
      upstreamPort: server().port,
      files: files() ?? {},
    });
    const reply = await call(origin, asked);
    assert.equal(reply.status, 502);
    const { code, message } = errorOf(reply);
    assert.match(
      String(message),
      /^The gateway could not connect to the backend\.$|^The backend closed/,
    );
    assert.match(String(code), /^upstream_(tls|reset)$/);
    assert.equal(server().requests.length, 0);
    await accessLog(1);
    assert.match(logText(), /"msg":"backend failed"/);
  });
}

test("plain HTTP where TLS is spoken to, is a 502 as well", async (t) => {
  const plain = await startFoundry({ accept: "any" });
  t.after(() => plain.close());
  const { origin } = await runGateway(t, behind(`${name}:443`), { upstreamPort: plain.port });
  const reply = await call(origin, asked);
  assert.equal(reply.status, 502);
  assert.equal(errorOf(reply)["code"], "upstream_tls");
  assert.equal(plain.requests.length, 0);
});

test("a client certificate is shown to a backend that asks for one", async (t) => {
  const { origin } = await runGateway(
    t,
    behind(`${name}:8443`, { root: "ca.pem", cert: "client.pem", key: "client.key" }),
    { upstreamPort: mutual.port, files: files() ?? {} },
  );
  assert.equal((await call(origin, asked)).status, 200);
  assert.deepEqual(mutual.requests[0]?.clientCertificate, { subject: "CN=gateway", trusted: true });
});

test("the caller's Host never chooses the certificate", async (t) => {
  const yaml = routes({
    backends: [model(`${name}:8443`)],
    policies: {
      backendAuth: { key: "any" },
      backendTLS: { root: "ca.pem" },
      urlRewrite: { authority: "none" },
    },
  });
  const { origin } = await runGateway(t, yaml, {
    upstreamPort: foundry.port,
    files: files() ?? {},
  });
  const reply = await call(origin, {
    ...asked,
    headers: { ...asked.headers, host: "evil.example" },
  });
  assert.equal(reply.status, 200);
  assert.equal(foundry.requests[0]?.headers.host, "evil.example");
  assert.equal(foundry.requests[0]?.servername, name);
});

test("one handshake serves many requests, of AI and host backends alike", async (t) => {
  const yaml = routes(
    { matches: [{ path: { pathPrefix: "/v1" } }], backends: [model(`${name}:8443`)], policies },
    { backends: [{ host: `${name}:8443` }], policies },
  );
  const { origin } = await runGateway(t, yaml, {
    upstreamPort: foundry.port,
    files: files() ?? {},
  });
  for (let turn = 0; turn < 5; turn += 1) {
    assert.equal((await call(origin, asked)).status, 200);
    assert.equal((await call(origin, { path: "/language/x" })).status, 200);
  }
  assert.deepEqual([foundry.connections.tcp, foundry.connections.tls], [1, 1]);
});

const policies = { backendAuth: { key: "any" }, backendTLS: { root: "ca.pem" } };

test("port 443 is TLS with the system's roots, and plain HTTP needs another port", async (t) => {
  // Last in this file: the trust is the process's from here on.
  trust(authority);
  const secure = await runGateway(t, behind(`${name}:443`), { upstreamPort: foundry.port });
  assert.equal((await call(secure.origin, asked)).status, 200);
  assert.equal(foundry.requests[0]?.servername, name);

  const plain = await startFoundry({ accept: "any" });
  t.after(() => plain.close());
  const open = await runGateway(t, behind(`${name}:80`), { upstreamPort: plain.port });
  assert.equal((await call(open.origin, asked)).status, 200);
  assert.equal(plain.requests[0]?.servername, undefined);

  const empty = await runGateway(t, behind(`${name}:8443`, {}), { upstreamPort: foundry.port });
  assert.equal((await call(empty.origin, asked)).status, 200, "backendTLS: {} is TLS on any port");
});
