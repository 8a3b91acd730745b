// An HTTPS bind shows each caller the certificate of the listener whose hostname it asks for, and
// its routes are those of that listener.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as beginSecure } from "node:https";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
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

test("plain HTTP on an HTTPS bind gets no answer from a backend", async (t) => {
  const { port } = await runGateway(t, yaml, { files: files() });
  const earlier = foundry.requests.length;
  await exchangeBytes(port, "GET / HTTP/1.1\r\nhost: a.example.com\r\n\r\n").catch(() => "");
  assert.equal(foundry.requests.length, earlier);
});
