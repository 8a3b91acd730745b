// An HTTPS bind shows each caller the certificate of the listener whose hostname it asks for, and
// its routes are those of that listener.
import assert from "node:assert/strict";
import { once } from "node:events";
import { X509Certificate } from "node:crypto";
import { Agent, request as beginSecure } from "node:https";
import { after, before, test } from "node:test";
import { TLSSocket, connect } from "node:tls";
import { loadConfig } from "../../gateway/config/load.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { type Authority, type KeyPair, makeAuthority } from "../stand-in/certificate.ts";
import { startFoundry } from "../stand-in/foundry.ts";
import { exchangeBytes, replyOf } from "./caller.ts";
import { type WrittenRoute, configuration } from "./configuration.ts";
import { runGateway } from "./running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
after(() => foundry.close());
let authority: Authority;
let exact: KeyPair;
let wildcard: KeyPair;
let rest: KeyPair;
before(async () => {
  authority = await makeAuthority();
  exact = await authority.serverCertificate("a.example.com");
  wildcard = await authority.serverCertificate("*.example.com");
  rest = await authority.serverCertificate("anything.test");
});

const yaml = configuration({
  binds: [
    {
      port: 3443,
      listeners: [
        listener("rest", undefined),
        listener("wildcard", "*.example.com"),
        listener("exact", "A.example.com"),
      ],
    },
  ],
});

function listener(name: string, hostname: string | undefined) {
  const route: WrittenRoute = {
    name: `to-${name}`,
    backends: [{ host: `localhost:${foundry.port}` }],
    policies: { backendAuth: { key: "any" }, urlRewrite: { path: { full: `/language/${name}` } } },
  };
  return {
    name,
    ...(hostname === undefined ? {} : { hostname }),
    protocol: "HTTPS" as const,
    tls: { cert: `${name}.pem`, key: `${name}.key` },
    routes: [route],
  };
}

const files = () => ({
  "exact.pem": exact.cert,
  "exact.key": exact.key,
  "wildcard.pem": wildcard.cert,
  "wildcard.key": wildcard.key,
  "rest.pem": rest.cert,
  "rest.key": rest.key,
});

/** The alternative names of the certificate shown for a name. */
async function shownFor(port: number, servername: string | undefined): Promise<string> {
  const socket = connect({
    port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
  });
  await once(socket, "secureConnect");
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? "";
  socket.destroy();
  return names.split(", ").at(-1) ?? "";
}

test("the certificate is that of the most specific listener for the name asked for", async (t) => {
  const { port } = await runGateway(t, yaml, { files: files() });
  assert.equal(await shownFor(port, "a.example.com"), "DNS:a.example.com");
  assert.equal(await shownFor(port, "A.EXAMPLE.com"), "DNS:a.example.com");
  assert.equal(await shownFor(port, "b.example.com"), "DNS:*.example.com");
  assert.equal(await shownFor(port, "x.y.example.com"), "DNS:*.example.com");
  assert.equal(await shownFor(port, "other.test"), "DNS:anything.test");
  assert.equal(await shownFor(port, undefined), "DNS:anything.test");
});

test("a request over TLS is routed by its Host and answered", async (t) => {
  const { port, accessLog } = await runGateway(t, yaml, { files: files() });
  for (const [index, [host, name]] of [
    ["a.example.com", "exact"],
    ["b.example.com:3443", "wildcard"],
    ["anything.test", "rest"],
  ].entries()) {
    const request = beginSecure({
      host: "127.0.0.1",
      port,
      servername: host?.split(":")[0] ?? "",
      ca: authority.cert,
      headers: { host },
      path: "/",
      agent: false,
    });
    request.end();
    const [answer] = await once(request, "response");
    const reply = await replyOf(answer);
    assert.equal(reply.status, 200);
    assert.equal(foundry.requests.at(-1)?.path, `/language/${name}`);
    const lines = await accessLog(index + 1);
    assert.partialDeepStrictEqual(lines.at(-1), { listener: name, route: `to-${name}` });
  }
});

test("a renewed certificate is shown from the next handshake on, and no connection is lost", async (t) => {
  const { port, gateway } = await runGateway(t, yaml, { files: files() });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const first = await askBy(agent, port);
  const renewed = await authority.serverCertificate("a.example.com");
  const fresh = await authority.serverCertificate("fresh.test");

  const { binds } = await reload(gateway, {
    ...files(),
    "exact.pem": renewed.cert,
    "exact.key": renewed.key,
    "rest.pem": fresh.cert,
    "rest.key": fresh.key,
  });
  assert.deepEqual(binds, [port]);
  assert.equal(await shownFor(port, "fresh.test"), "DNS:fresh.test");
  assert.equal(await shownFor(port, undefined), "DNS:fresh.test");
  assert.equal(await shownFor(port, "b.example.com"), "DNS:*.example.com");
  assert.equal((await askBy(agent, port)).localPort, first.localPort);
  agent.destroy();
  const anew = await askBy(new Agent(), port);
  assert.equal(anew.fingerprint, new X509Certificate(renewed.cert).fingerprint256);
});

test("a bind that comes to speak HTTP, or HTTPS, is opened anew", async (t) => {
  const plain = configuration({
    binds: [
      {
        port: 3443,
        listeners: [{ routes: [{ policies: { directResponse: { status: 204, body: "" } } }] }],
      },
    ],
  });
  const { port, gateway } = await runGateway(t, plain, {});
  assert.match(await exchangeBytes(port, "GET / HTTP/1.0\r\nhost: a\r\n\r\n"), /^HTTP\/1.1 204/);
  const secured = await reload(gateway, files());
  assert.equal(await shownFor(secured.binds[0] ?? 0, undefined), "DNS:anything.test");
  const again = await reload(gateway, {}, plain);
  assert.match(
    await exchangeBytes(again.binds[0] ?? 0, "GET / HTTP/1.0\r\nhost: a\r\n\r\n"),
    /^HTTP\/1.1 204/,
  );
});

/** Puts another configuration in force; the ports of its binds. */
async function reload(gateway: Gateway, pem: Readonly<Record<string, string>>, text = yaml) {
  const loaded = loadConfig(text, { env: {}, readFile: (path) => pem[path] ?? "" });
  assert.ok("config" in loaded, JSON.stringify(loaded));
  const addresses = await gateway.reload(loaded.config);
  return { binds: addresses.map(({ port }) => port) };
}

/** By what connection a.example.com answers, and with what certificate. */
async function askBy(agent: Agent, port: number) {
  const request = beginSecure({
    host: "127.0.0.1",
    port,
    servername: "a.example.com",
    ca: authority.cert,
    headers: { host: "a.example.com" },
    agent,
  });
  request.end();
  const [answer] = await once(request, "response");
  const { socket } = request;
  assert.ok(socket instanceof TLSSocket);
  const { localPort } = socket;
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
  assert.equal((await replyOf(answer)).status, 200);
  return { localPort, fingerprint };
}

test("plain HTTP on an HTTPS bind gets no answer from a backend", async (t) => {
  const { port } = await runGateway(t, yaml, { files: files() });
  const earlier = foundry.requests.length;
  await exchangeBytes(port, "GET / HTTP/1.1\r\nhost: a.example.com\r\n\r\n").catch(() => "");
  assert.equal(foundry.requests.length, earlier);
});
