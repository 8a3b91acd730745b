// Content Safety, Speech, Vision: whatever a caller sends to a `host` backend arrives as sent, and
// the answer comes back as given, while both are still under way. express-http-proxy carries it, and
// as shipped it would buffer bodies (pitfall 25), open a connection per request (24), send two
// framings at once (27), answer 500 to `expect` (28), and pile up listeners (29).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { Agent, type ClientRequest } from "node:http";
import { after, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import express from "express";
import proxy from "express-http-proxy";
import manifest from "../../../package.json" with { type: "json" };
import { startFoundry } from "../../stand-in/foundry.ts";
import { pseudoRandom } from "../../stand-in/pseudo-random.ts";
import { type Reply, call, open, replyOf } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  backends: [{ host: `localhost:${foundry.port}` }],
  policies: { backendAuth: { key: "any" } },
});
const describedIn = ({ body }: Reply): unknown => JSON.parse(body.toString());
const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
  test(`${method} goes through`, async (t) => {
    const { origin } = await runGateway(t, yaml);
    const reply = await call(origin, { method, path: "/language/x?y=%20" });
    assert.equal(reply.status, 200);
    assert.partialDeepStrictEqual(describedIn(reply), {
      method,
      path: "/language/x?y=%20",
      length: 0,
    });
    const { headers = {} } = foundry.requests[0] ?? {};
    assert.equal(headers["transfer-encoding"], undefined, "no body is made up");
    assert.equal(headers["accept-charset"], undefined);
  });
}

test("HEAD, 204 and 304 come back without a body, with their headers", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const head = await call(origin, { method: "HEAD", path: "/speech/tts?bytes=4000" });
  assert.deepEqual(
    [head.status, head.headers["content-length"], head.body.length],
    [200, "4000", 0],
  );
  assert.equal(foundry.requests[0]?.method, "HEAD");

  // Raw, for Node's server mends such answers.
  foundry.next({
    kind: "garbage",
    bytes: Buffer.from("HTTP/1.1 204 No Content\r\netag: a\r\n\r\n"),
  });
  const none = await call(origin, { method: "DELETE", path: "/language/x" });
  assert.deepEqual([none.status, none.headers["etag"], none.body.length], [204, "a", 0]);
  assert.equal(none.headers["transfer-encoding"], undefined);

  foundry.next({
    kind: "garbage",
    bytes: Buffer.from('HTTP/1.1 304 Not Modified\r\netag: "b"\r\ncontent-length: 5\r\n\r\n'),
  });
  const same = await call(origin, { path: "/language/x", headers: { "if-none-match": '"b"' } });
  assert.deepEqual([same.status, same.headers["etag"], same.body.length], [304, '"b"', 0]);
  assert.equal(foundry.requests[2]?.headers["if-none-match"], '"b"');
});

test("a binary body of known length arrives with that length, and so does the answer", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const body = Buffer.concat([...pseudoRandom(3_000_000)]);
  const up = await call(origin, {
    method: "POST",
    path: "/computervision/analyze",
    headers: { "content-type": "application/octet-stream" },
    body,
  });
  assert.partialDeepStrictEqual(describedIn(up), {
    length: body.length,
    sha256: digest(body),
    contentType: "application/octet-stream",
  });
  const { headers = {} } = foundry.requests[0] ?? {};
  assert.equal(headers["content-length"], String(body.length));
  assert.equal(headers["transfer-encoding"], undefined);

  const down = await call(origin, { path: "/speech/tts?bytes=3000000" });
  assert.equal(down.headers["content-length"], "3000000");
  assert.equal(digest(down.body), digest(body));
});

test("a multipart form arrives to the byte, boundary and all", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const form = new FormData();
  form.append("definition", '{"locales":["de-DE"]}');
  form.append("audio", new Blob([...pseudoRandom(200_000)]), "grüße.wav");
  const written = new Response(form);
  const type = written.headers.get("content-type") ?? "";
  const body = Buffer.from(await written.arrayBuffer());
  const headers = { "content-type": type };
  const path = "/speechtotext/transcriptions:transcribe";
  const reply = await call(origin, { method: "POST", path, headers, body });
  assert.partialDeepStrictEqual(describedIn(reply), { contentType: type, sha256: digest(body) });
});

test(
  "a chunked body goes up chunked, and each piece is there before the next is sent",
  { timeout: 20_000 },
  async (t) => {
    const { origin, accessLog } = await runGateway(t, yaml);
    const { request, answer } = open(origin, {
      method: "POST",
      path: "/speech/mirror",
      headers: { "transfer-encoding": "chunked", "content-type": "audio/wav" },
    });
    // Each piece comes back before the next is sent: whoever buffers, in either direction, stops this
    // conversation for good.
    request.write("first");
    const mirrored = await answer;
    assert.equal(mirrored.headers["content-type"], "audio/wav");
    const back = mirrored[Symbol.asyncIterator]();
    assert.equal(String((await back.next()).value), "first");
    for (const piece of ["second", "third"]) {
      request.write(piece);
      assert.equal(String((await back.next()).value), piece);
    }
    request.end();
    assert.equal((await back.next()).done, true);

    const { headers = {} } = foundry.requests[0] ?? {};
    assert.equal(headers["transfer-encoding"], "chunked");
    assert.equal(
      headers["content-length"],
      undefined,
      "both framings at once are the smuggling shape",
    );
    const [line] = await accessLog(1);
    assert.partialDeepStrictEqual(line, { requestBytes: 16, responseBytes: 16, outcome: "ok" });
  },
);

test("a chunked body without a byte is an empty one", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const { request, answer } = open(origin, {
    method: "POST",
    path: "/language/x",
    headers: { "transfer-encoding": "chunked" },
  });
  request.end();
  assert.partialDeepStrictEqual(describedIn(await replyOf(await answer)), { length: 0 });
  assert.equal(foundry.connections.malformed, 0);
});

test("expect: 100-continue is settled between caller and gateway", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const { request, answer } = open(origin, {
    method: "PUT",
    path: "/language/x",
    headers: { expect: "100-continue", "content-length": 5 },
  });
  await once(request, "continue");
  request.end("12345");
  const reply = await replyOf(await answer);
  assert.equal(reply.status, 200);
  assert.partialDeepStrictEqual(describedIn(reply), { length: 5 });
  assert.equal(foundry.requests[0]?.headers.expect, undefined);
});

test("interim answers of the backend are not the answer", async (t) => {
  const { origin } = await runGateway(t, yaml);
  foundry.next({ kind: "answer", informational: [102, 103] });
  const reply = await call(origin, { path: "/language/x" });
  assert.equal(reply.status, 200);
  assert.partialDeepStrictEqual(describedIn(reply), { method: "GET" });
});

test("a compressed answer stays as it is", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const body = gzipSync('{"usage":1}');
  foundry.next({
    kind: "status",
    status: 200,
    headers: { "content-encoding": "gzip", "content-type": "application/json" },
    body,
  });
  const reply = await call(origin, {
    path: "/language/x",
    headers: { "accept-encoding": "gzip, br" },
  });
  assert.equal(foundry.requests[0]?.headers["accept-encoding"], "gzip, br");
  assert.equal(reply.headers["content-encoding"], "gzip");
  assert.equal(reply.headers["content-type"], "application/json", "no charset is added");
  assert.deepEqual(reply.body, body);
});

test("many requests share one connection, and nothing piles up on it", async (t) => {
  const { origin } = await runGateway(t, yaml, {
    timeouts: { connect: 5_000, firstByte: 5_000, idle: 5_000 },
  });
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on("warning", note);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    agent.destroy();
    process.off("warning", note);
  });
  for (let turn = 0; turn < 30; turn += 1) {
    const reply = await call(origin, { method: "POST", path: "/language/x", body: "{}", agent });
    assert.equal(reply.status, 200);
    assert.notEqual(reply.headers.connection, "close", "the caller's connection lives on as well");
  }
  assert.equal(foundry.connections.tcp, 1);
  assert.deepEqual(warnings, []);
});

test(
  "an answer that comes before the body is whole reaches the caller, whose connection lives on",
  { timeout: 20_000 },
  async (t) => {
    const { origin } = await runGateway(t, yaml);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    foundry.next({ kind: "status", status: 413, after: "headers", body: "too large" });
    const { request, answer } = open(origin, {
      method: "POST",
      path: "/language/x",
      headers: { "transfer-encoding": "chunked" },
      agent,
    });
    request.write("a beginning");
    const reply = await replyOf(await answer);
    assert.deepEqual([reply.status, reply.body.toString()], [413, "too large"]);
    request.end(Buffer.alloc(20_000_000));
    assert.equal((await call(origin, { path: "/language/x", agent })).status, 200);
  },
);

/** Resolves when `count` has stood still for a while. */
async function standstill(count: () => number): Promise<number> {
  let last = -1;
  for (let still = 0; still < 8;) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    still = count() === last ? still + 1 : 0;
    last = count();
  }
  return last;
}

test("a large download waits for a slow caller instead of filling the memory", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const size = 50_000_000;
  foundry.next({ kind: "huge", bytes: size });
  const { request, answer } = open(origin, { path: "/language/x" });
  request.end();
  const download = await answer;
  const received = await foundry.whenReceived(1);
  const ahead = await standstill(() => received.bytesWritten);
  assert.ok(
    ahead < 20_000_000,
    `the backend could write ${ahead} bytes to a caller that reads none`,
  );
  const { body, ending } = await replyOf(download);
  assert.equal(ending, "clean");
  assert.equal(digest(body), digest(Buffer.concat([...pseudoRandom(size)])));
});

test("a large upload waits for a slow backend instead of filling the memory", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const size = 50_000_000;
  foundry.next({ kind: "answer", readPauseMs: 100_000 });
  const slow = open(origin, {
    method: "POST",
    path: "/language/x",
    headers: { "content-length": size },
  });
  let sent = 0;
  for (const piece of pseudoRandom(size)) {
    // The caller's own socket buffer fills up and stays so.
    if (slow.request.write(piece, () => (sent += piece.length))) continue;
    const drained = once(slow.request, "drain").then(() => "drained");
    const stuck = standstill(() => sent).then(() => "stuck");
    if ((await Promise.race([drained, stuck])) === "stuck") break;
  }
  assert.ok(sent < 20_000_000, `the caller could send ${sent} bytes to a backend that reads none`);
  foundry.reset();
  assert.equal((await slow.answer).statusCode, 502, "and hears when the backend gives up");
  slow.request.destroy();

  const { request, answer } = open(origin, {
    method: "POST",
    path: "/language/x",
    headers: { "content-length": size },
  });
  for (const piece of pseudoRandom(size)) {
    if (!request.write(piece)) await once(request, "drain");
  }
  request.end();
  const whole = digest(Buffer.concat([...pseudoRandom(size)]));
  assert.partialDeepStrictEqual(describedIn(await replyOf(await answer)), {
    length: size,
    sha256: whole,
  });
});

test("express-http-proxy has the send step that is replaced, in the one version that is installed", async () => {
  assert.match(manifest.dependencies["express-http-proxy"], /^\d+\.\d+\.\d+$/);
  let sent = false;
  const options: proxy.ProxyOptions & {
    sendProxyRequest(container: { user: { res: express.Response } }): Promise<unknown>;
  } = {
    parseReqBody: false,
    async sendProxyRequest(container) {
      sent = true;
      container.user.res.end("replaced");
      return container;
    },
  };
  const server = express().use(proxy("never.invalid", options)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const reply = await call(`http://127.0.0.1:${address.port}`, { path: "/" });
  server.close();
  assert.equal(sent, true);
  assert.equal(reply.body.toString(), "replaced");
});

test("no request leaves by express-http-proxy's own sender", async (t) => {
  const { origin } = await runGateway(t, yaml);
  const ports: string[] = [];
  const started = channel("http.client.request.start");
  const note = (message: unknown) => {
    const { request } = message as { readonly request: ClientRequest };
    ports.push(request.host);
  };
  started.subscribe(note);
  t.after(() => started.unsubscribe(note));
  await call(origin, { path: "/language/x" });
  assert.equal(foundry.requests.length, 1);
  assert.equal(ports.length, 1, "the one is this test's own");
});
