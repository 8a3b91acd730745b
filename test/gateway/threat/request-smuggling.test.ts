// The threat: a request that two servers read in two ways. What the first takes for the body of one
// request, the second takes for the next request: the attacker's, on a connection that others share.
// Every such shape gets a 4xx, the connection is closed so that what follows is never read as a
// request, and the backend sees nothing. The backend's framing is the gateway's own in any case.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, exchangeBytes } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  backends: [{ host: `localhost:${foundry.port}` }],
  policies: { backendAuth: { key: "any" } },
});
/** Follows each shape; were it ever read as a request, the backend would see its path. */
const smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
const post = "POST /v1/x HTTP/1.1\r\nhost: x\r\n";
const chunks = "5\r\nhello\r\n0\r\n\r\n";

const shapes: Readonly<Record<string, string>> = {
  "content-length and transfer-encoding": `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`,
  "transfer-encoding and content-length": `${post}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n${chunks}`,
  "two different content-lengths": `${post}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`,
  "the same content-length twice": `${post}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`,
  "a list of content-lengths": `${post}content-length: 5, 5\r\n\r\nhello`,
  "content-length with a sign": `${post}content-length: +5\r\n\r\nhello`,
  "a negative content-length": `${post}content-length: -5\r\n\r\nhello`,
  "a hexadecimal content-length": `${post}content-length: 0x5\r\n\r\nhello`,
  "content-length with a space inside": `${post}content-length: 5 5\r\n\r\nhello`,
  "an empty content-length": `${post}content-length:\r\n\r\nhello`,
  "content-length beyond 64 bits": `${post}content-length: 99999999999999999999\r\n\r\nhello`,
  "an unknown transfer coding": `${post}transfer-encoding: xchunked\r\n\r\n${chunks}`,
  "chunked before another coding": `${post}transfer-encoding: chunked, gzip\r\n\r\n${chunks}`,
  "chunked after another coding": `${post}transfer-encoding: gzip, chunked\r\n\r\n${chunks}`,
  "chunked twice": `${post}transfer-encoding: chunked, chunked\r\n\r\n${chunks}`,
  "chunked in two fields": `${post}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`,
  "chunked and identity in two fields": `${post}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n${chunks}`,
  "a quoted coding": `${post}transfer-encoding: "chunked"\r\n\r\n${chunks}`,
  "chunked after a vertical tab": `${post}transfer-encoding: \x0bchunked\r\n\r\n${chunks}`,
  "chunked in HTTP/1.0": `POST /v1/x HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`,
  "a space before the colon": `${post}transfer-encoding : chunked\r\n\r\n${chunks}`,
  "a tab before the colon": `${post}content-length\t: 5\r\n\r\nhello`,
  "a field name that is cut by a space": `${post}content length: 5\r\n\r\nhello`,
  "a field without a colon": `${post}content-length\r\n\r\nhello`,
  "a field without a name": `${post}: 5\r\n\r\nhello`,
  "a folded field": `${post}x-a: 1\r\n transfer-encoding: chunked\r\n\r\n${chunks}`,
  "a folded framing": `${post}transfer-encoding:\r\n chunked\r\n\r\n${chunks}`,
  "a space before the first field": `POST /v1/x HTTP/1.1\r\n host: x\r\ncontent-length: 5\r\n\r\nhello`,
  "NUL in a value": `${post}x-a: b\0c\r\n\r\n`,
  "NUL in a name": `${post}x-\0a: b\r\n\r\n`,
  "a bare CR in a value": `${post}x-a: b\rcontent-length: 5\r\n\r\n`,
  "a bare LF in a value": `${post}x-a: b\ncontent-length: 5\r\n\r\nhello`,
  "lines that end with a bare LF": "POST /v1/x HTTP/1.1\nhost: x\ncontent-length: 5\n\nhello",
  "a head that ends with a bare LF": `${post}content-length: 5\r\n\nhello`,
  "a bare LF after the request line": "GET /v1/x HTTP/1.1\nhost: x\r\n\r\n",
  "a bare CR after the request line": "GET /v1/x HTTP/1.1\rhost: x\r\n\r\n",
  "a chunk size that is no number": `${post}transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n`,
  "a negative chunk size": `${post}transfer-encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n`,
  "a chunk size with 0x": `${post}transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`,
  "a chunk size beyond 64 bits": `${post}transfer-encoding: chunked\r\n\r\n11111111111111111\r\nhello\r\n0\r\n\r\n`,
  "a chunk size that ends with a bare LF": `${post}transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`,
  "a chunk that ends with a bare LF": `${post}transfer-encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n`,
  "a chunk longer than its size": `${post}transfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n`,
  "a chunk extension with a bare LF": `${post}transfer-encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n`,
  "two Hosts": `GET /v1/x HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n`,
  "the same Host twice": `GET /v1/x HTTP/1.1\r\nhost: x\r\nHOST: x\r\n\r\n`,
  "no Host": "GET /v1/x HTTP/1.1\r\n\r\n",
  "a Host with a path": "GET /v1/x HTTP/1.1\r\nhost: x/y\r\n\r\n",
  "a Host with user information": "GET /v1/x HTTP/1.1\r\nhost: good@evil\r\n\r\n",
  "a Host with a space": "GET /v1/x HTTP/1.1\r\nhost: x y\r\n\r\n",
  "a list of Hosts": "GET /v1/x HTTP/1.1\r\nhost: x, y\r\n\r\n",
  "a Host with a port that is none": "GET /v1/x HTTP/1.1\r\nhost: x:y\r\n\r\n",
  "a space in the target": "GET /v1/x y HTTP/1.1\r\nhost: x\r\n\r\n",
  "a tab in the request line": "GET\t/v1/x HTTP/1.1\r\nhost: x\r\n\r\n",
  "a control character in the target": "GET /v1/\x01x HTTP/1.1\r\nhost: x\r\n\r\n",
  "a method in lower case": "get /v1/x HTTP/1.1\r\nhost: x\r\n\r\n",
  "an unknown method": "SMUGGLE /v1/x HTTP/1.1\r\nhost: x\r\n\r\n",
  "HTTP/0.9": "GET /v1/x\r\n",
  "HTTP/1.2": "GET /v1/x HTTP/1.2\r\nhost: x\r\n\r\n",
  "HTTP/2 without TLS": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "another protocol": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  CONNECT: "CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n",
  "a target that is a host": "GET evil.example HTTP/1.1\r\nhost: x\r\n\r\n",
  "a target of another scheme": "GET ftp://evil.example/ HTTP/1.1\r\nhost: x\r\n\r\n",
};

for (const [name, shape] of Object.entries(shapes)) {
  test(`${name}: refused, and nothing reaches the backend`, async (t) => {
    const { port } = await runGateway(t, yaml);
    const answer = await exchangeBytes(port, Buffer.from(`${shape}${smuggled}`, "latin1"));
    assert.match(answer, /^HTTP\/1\.1 4\d\d /);
    assert.match(answer, /\r\nconnection: close\r\n/i);
    assert.match(answer, /\r\nx-request-id: /);
    const [, body = ""] = answer.split("\r\n\r\n");
    assert.deepEqual(Object.keys(JSON.parse(body).error), ["message", "type", "code", "param"]);
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, "one answer, to one request");
    assertNothingWhole();
  });
}

/** A body that breaks off half-way may have been on its way; never as a whole, and nothing after it. */
function assertNothingWhole(): void {
  for (const { path, bodySha256 } of foundry.requests) {
    assert.deepEqual([path, bodySha256], ["/v1/x", ""]);
  }
}

test(`all ${Object.keys(shapes).length} shapes, sent at once, leave the gateway as it was`, async (t) => {
  const { port, origin } = await runGateway(t, yaml);
  const answers = await Promise.all(
    Object.values(shapes).map((shape) =>
      exchangeBytes(port, Buffer.from(`${shape}${smuggled}`, "latin1")),
    ),
  );
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 4\d\d /);
  assertNothingWhole();
  await call(origin, { path: "/v1/welcome" });
  assert.equal(foundry.requests.at(-1)?.path, "/v1/welcome");
});

test("an absolute URL's host takes the place of Host, for the route and for the backend", async (t) => {
  const route = (name: string) => ({
    hostnames: [`${name}.example`],
    backends: [{ host: `127.0.0.1:${foundry.port}` }],
    policies: { backendAuth: { key: name } },
  });
  const { port } = await runGateway(t, routes(route("one"), route("two")));
  const answer = await exchangeBytes(
    port,
    "GET http://one.example/v1/x?y HTTP/1.1\r\nhost: two.example\r\nconnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 /);
  const [received] = foundry.requests;
  assert.equal(received?.path, "/v1/x?y");
  assert.equal(received?.headers.authorization, "Bearer one");
  assert.equal(received?.headers.host, "one.example");
});

test("an upgrade, save to WebSocket, is not offered to the backend: the request is an ordinary one", async (t) => {
  const { port } = await runGateway(t, yaml);
  for (const protocol of ["h2c", "TLS/1.2", "websocket, h2c"]) {
    const answer = await exchangeBytes(
      port,
      `GET /v1/x HTTP/1.1\r\nhost: x\r\nupgrade: ${protocol}\r\nhttp2-settings: AAMAAABk\r\nconnection: upgrade, http2-settings, close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 404 /);
    const { headers } = foundry.requests.at(-1) ?? {};
    assert.equal(headers?.upgrade, undefined);
    assert.equal(headers?.["http2-settings"], undefined);
  }
});

test("TRACE is refused: a backend would echo the gateway's credential to the caller", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const reply = await call(origin, { method: "TRACE", path: "/v1/x" });
  assert.equal(reply.status, 405);
  assert.equal(foundry.connections.tcp, 0);
});
