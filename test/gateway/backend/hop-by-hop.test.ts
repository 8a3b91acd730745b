// Headers about one connection stay on it (RFC 9110, section 7.6.1). Passed on, they desynchronise
// two hops, or let a caller strip a header that the next hop relies on by naming it in Connection;
// and what a caller claims in x-forwarded-* or Forwarded is not what the gateway saw (pitfall 27).
// Answers go back the same way, without cookies and without Express's own additions (pitfall 32).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, chat, errorOf, exchangeBytes } from "../caller.ts";
import { type WrittenBackend, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const traffics: readonly { readonly kind: string; backend: WrittenBackend; asked: Call }[] = [
  {
    kind: "an AI backend",
    backend: model(`localhost:${foundry.port}`),
    asked: chat({ messages: [{ role: "user", content: "Hi" }] }),
  },
  {
    kind: "a host backend",
    backend: { host: `localhost:${foundry.port}` },
    asked: { method: "POST", path: "/contentsafety/text:analyze", body: "{}" },
  },
];

const forThisHop = {
  connection: "close, X-Named, X-Gateway-Trusts",
  "x-named": "1",
  "x-gateway-trusts": "1",
  "keep-alive": "timeout=100",
  te: "trailers",
  "proxy-connection": "keep-alive",
  "proxy-authorization": "Basic eA==",
  "x-forwarded-for": "6.6.6.6",
  "x-forwarded-host": "forged.example",
  "x-forwarded-port": "1",
  "x-forwarded-proto": "gopher",
  forwarded: "for=6.6.6.6",
  "x-real-ip": "6.6.6.6",
};
const forTheModel = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "user-agent": "caller/1.0",
  "x-ms-client-request-id": "abc",
  "openai-organization": "org",
};

for (const { kind, backend, asked } of traffics) {
  const yaml = routes({ backends: [backend], policies: { backendAuth: { key: "any" } } });

  test(`${kind} sees the caller's headers but none that were for the gateway's connection`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    await call(origin, { ...asked, headers: { ...forTheModel, ...forThisHop } });
    const { headers = {}, rawHeaders = [] } = foundry.requests[0] ?? {};
    for (const [name, value] of Object.entries(forTheModel)) assert.equal(headers[name], value);
    // undici's own, for the connection to the backend.
    assert.equal(headers.connection, "keep-alive");
    for (const name of Object.keys(forThisHop)) {
      if (name !== "connection") assert.equal(headers[name], undefined, name);
    }
    const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
    assert.equal(new Set(names).size, names.length, "no header is there twice");
  });

  test(`${kind}: repeated headers and their spelling arrive as sent`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    await call(origin, { ...asked, headers: { ...asked.headers, "X-Odd-CASE": ["one", "two"] } });
    const { rawHeaders = [] } = foundry.requests[0] ?? {};
    const odd = rawHeaders.filter((_, at) => rawHeaders[at - 1] === "X-Odd-CASE" && at % 2 === 1);
    assert.deepEqual(odd, ["one", "two"]);
  });

  test(`${kind}: the caller gets the answer's headers but none of its connection, and no cookie`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    const body = '{"usage":null}';
    foundry.next({
      kind: "garbage",
      bytes: Buffer.from(
        [
          "HTTP/1.1 201 Made",
          "connection: close, x-named",
          "x-named: 1",
          "keep-alive: timeout=1",
          "proxy-authenticate: Basic",
          "proxy-connection: close",
          "upgrade: h2c",
          "set-cookie: session=1",
          "set-cookie: other=2",
          "content-type:",
          "x-ratelimit-remaining-tokens: 7",
          "x-twice: a",
          "x-twice: b",
          "server: backend",
          `content-length: ${body.length}`,
          "",
          body,
        ].join("\r\n"),
      ),
    });
    const { status, headers, rawHeaders, body: got } = await call(origin, asked);
    assert.equal(status, 201);
    assert.equal(got.toString(), body);
    const { date, connection, "x-request-id": id, ...rest } = headers;
    assert.ok(date);
    assert.ok(id);
    assert.equal(connection, "close");
    assert.deepEqual(rest, {
      "content-type": "",
      "x-ratelimit-remaining-tokens": "7",
      "x-twice": "a, b",
      server: "backend",
      "content-length": String(body.length),
    });
    assert.ok(!rawHeaders.some((name) => /x-powered-by|etag/i.test(name)));
  });
}

test("a header that is not ASCII arrives in the bytes in which it was sent", async (t) => {
  const { port } = await runGateway(
    t,
    routes({
      backends: [{ host: `localhost:${foundry.port}` }],
      policies: { backendAuth: { key: "any" } },
    }),
  );
  const asked =
    "GET /language/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-odd: gr\u00fc\u00dfe\r\n\r\n";
  assert.match(await exchangeBytes(port, Buffer.from(asked, "latin1")), /^HTTP\/1\.1 200 /);
  assert.equal(foundry.requests[0]?.headers["x-odd"], "gr\u00fc\u00dfe");
});

test("fields after a chunked body are read, and not passed on", async (t) => {
  const { port } = await runGateway(
    t,
    routes({
      backends: [{ host: `localhost:${foundry.port}` }],
      policies: { backendAuth: { key: "any" } },
    }),
  );
  const answer = await exchangeBytes(
    port,
    "POST /language/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntrailer: x-late\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-late: 1\r\napi-key: forged\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
  const [received] = foundry.requests;
  assert.equal(received?.body.toString(), "ab");
  for (const name of ["trailer", "x-late", "api-key"]) {
    assert.equal(received?.headers[name], undefined, name);
  }
  assert.equal(foundry.connections.malformed, 0);
});

test("an upgrade, save to WebSocket, is not tunnelled: the request goes on as plain HTTP", async (t) => {
  const { port } = await runGateway(
    t,
    routes({
      backends: [{ host: `localhost:${foundry.port}` }],
      policies: { backendAuth: { key: "any" } },
    }),
  );
  const answer = await exchangeBytes(
    port,
    "GET /language/x HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.equal(foundry.requests[0]?.headers.upgrade, undefined);
});

test("a head larger than the gateway takes is refused, and nothing is sent", async (t) => {
  const { port } = await runGateway(
    t,
    routes({ backends: [{ host: `localhost:${foundry.port}` }] }),
  );
  const answer = await exchangeBytes(
    port,
    `GET / HTTP/1.1\r\nhost: x\r\nx-large: ${"a".repeat(40_000)}\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 431 /);
  assert.equal(foundry.requests.length, 0);
});

test("an answer whose head is larger than Azure's ever are is not understood", async (t) => {
  const { origin } = await runGateway(
    t,
    routes({
      backends: [{ host: `localhost:${foundry.port}` }],
      policies: { backendAuth: { key: "any" } },
    }),
  );
  foundry.next({ kind: "status", status: 200, headers: { "x-large": "a".repeat(40_000) } });
  const reply = await call(origin, { path: "/language/x" });
  assert.equal(reply.status, 502);
  assert.equal(errorOf(reply)["code"], "upstream_protocol");
});
