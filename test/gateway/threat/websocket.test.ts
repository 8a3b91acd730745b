// The threat: a connection that is a WebSocket to one side and something else to the other. A caller
// that makes the gateway believe in an upgrade which the backend refused has a tunnel to the backend,
// past every check, on a connection with the gateway's token; a backend that speaks of an upgrade nobody
// asked for has the next caller's bytes. And a browser's key, which comes as a subprotocol or in the
// query, where backends and their logs would keep it.
import assert from "node:assert/strict";
import { type Socket, connect, createServer } from "node:net";
import { once } from "node:events";
import { after, afterEach, test } from "node:test";
import { acceptOf } from "../../../gateway/websocket/handshake.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, errorOf, exchangeBytes } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { errorIn, open, refused } from "../websocket/client.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const backendAuth = { key: "the-gateway's-own" };
const toModels = routes({
  policies: { backendAuth },
  backends: [model(`localhost:${foundry.port}`, { provider: { openAI: {} } })],
});
const key = "AAAAAAAAAAAAAAAAAAAAAA==";
const target = "/openai/v1/realtime?model=m";
const smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";

function handshake(
  change: Readonly<Record<string, string | undefined>> = {},
  line?: string,
): string {
  const headers = {
    host: "x",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-key": key,
    "sec-websocket-version": "13",
    ...change,
  };
  const fields = Object.entries(headers).map(([name, value]) =>
    value === undefined ? "" : `${name}: ${value}\r\n`,
  );
  return `${line ?? `GET ${target} HTTP/1.1`}\r\n${fields.join("")}\r\n`;
}

const bad: Readonly<Record<string, readonly [bytes: string, status: number]>> = {
  "a content-length": [`${handshake({ "content-length": "5" })}hello`, 400],
  "a content-length that hides a request": [
    `${handshake({ "content-length": String(smuggled.length) })}${smuggled}`,
    400,
  ],
  "a chunked body": [`${handshake({ "transfer-encoding": "chunked" })}0\r\n\r\n`, 400],
  "no key": [handshake({ "sec-websocket-key": undefined }), 400],
  "a key of another length": [handshake({ "sec-websocket-key": "eA==" }), 400],
  "two keys": [handshake({ "sec-websocket-key": `${key}, ${key}` }), 400],
  "an old version": [handshake({ "sec-websocket-version": "8" }), 426],
  "no version": [handshake({ "sec-websocket-version": undefined }), 426],
  "subprotocols that are none": [handshake({ "sec-websocket-protocol": "a b, c" }), 400],
  "an empty subprotocol": [handshake({ "sec-websocket-protocol": "a,,b" }), 400],
};

for (const [name, [bytes, status]] of Object.entries(bad)) {
  test(`${name}: refused, with what follows, and nothing reaches the backend`, async (t) => {
    const { port } = await runGateway(t, toModels);
    const answer = await exchangeBytes(port, `${bytes}${smuggled}`);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(answer, /\r\nconnection: close\r\n/i);
    assert.match(answer, /\r\nx-request-id: /);
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
    const [, body = ""] = answer.split("\r\n\r\n");
    assert.deepEqual(Object.keys(JSON.parse(body).error), ["message", "type", "code", "param"]);
    assert.equal(foundry.connections.tcp, 0);
  });
}

test("the version that is taken is told", async (t) => {
  const { port } = await runGateway(t, toModels);
  const answer = await exchangeBytes(port, handshake({ "sec-websocket-version": "7" }));
  assert.match(answer, /\r\nsec-websocket-version: 13\r\n/);
});

const ordinary: Readonly<Record<string, string>> = {
  h2c: handshake({
    upgrade: "h2c",
    "http2-settings": "AAMAAABk",
    connection: "Upgrade, HTTP2-Settings, close",
  }),
  "websocket among others": handshake({ upgrade: "websocket, h2c", connection: "Upgrade, close" }),
  "websocket by POST": handshake(
    { connection: "Upgrade, close", "content-length": "0" },
    `POST ${target} HTTP/1.1`,
  ),
  "websocket that no Connection names": handshake({ connection: "close" }),
};

for (const [name, bytes] of Object.entries(ordinary)) {
  test(`${name}: an ordinary request, and an ordinary answer`, async (t) => {
    const { port } = await runGateway(
      t,
      routes({ policies: { backendAuth }, backends: [{ host: `localhost:${foundry.port}` }] }),
    );
    assert.match(await exchangeBytes(port, bytes), /^HTTP\/1\.1 404 /);
    assert.equal(foundry.requests[0]?.headers.upgrade, undefined);
    assert.equal(foundry.sessions.length, 0);
  });
}

test("what follows a refused handshake reaches nobody", async (t) => {
  const { port } = await runGateway(t, toModels);
  foundry.next({ kind: "status", status: 403, body: { error: {} } });
  const answer = await exchangeBytes(port, `${handshake()}${smuggled}${smuggled}`);
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
  assert.equal(foundry.requests.length, 1);
  assert.equal(foundry.connections.malformed, 0);
});

test("a handshake behind a request that is not answered yet waits, as an ordinary request", async (t) => {
  const { port } = await runGateway(
    t,
    routes({ policies: { backendAuth }, backends: [{ host: `localhost:${foundry.port}` }] }),
  );
  foundry.next({ kind: "status", status: 200, delayMs: 30, body: "first" });
  const first = "GET /first HTTP/1.1\r\nhost: x\r\n\r\n";
  const answer = await exchangeBytes(port, first + handshake({ connection: "Upgrade, close" }));
  assert.match(answer, /^HTTP\/1\.1 200 [^]*first[^]*HTTP\/1\.1 404 /);
  assert.equal(foundry.sessions.length, 0);
});

test("a handshake on a connection that has served before is served", async (t) => {
  const { port } = await runGateway(t, toModels);
  const socket = speak(port, "GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n");
  await once(socket, "data");
  socket.write(handshake());
  const [head] = await once(socket, "data");
  assert.match(String(head), /^HTTP\/1\.1 101 /);
  socket.destroy();
});

test("the handshake is made anew: what Connection names, or Host, or a hop's header, stays here", async (t) => {
  const { port } = await runGateway(t, toModels);
  const socket = speak(
    port,
    handshake({
      connection: "keep-alive, Upgrade, x-secret, sec-websocket-version",
      "x-secret": "1",
      te: "trailers",
      "proxy-authorization": "Basic eA==",
      authorization: "Bearer mine",
      cookie: "a=b",
      "x-forwarded-for": "1.2.3.4",
      "sec-websocket-accept": "forged",
      "sec-websocket-extensions": "permessage-deflate",
    }),
  );
  await once(socket, "data");
  const { headers, rawHeaders } = foundry.requests[0] ?? {};
  for (const name of [
    "x-secret",
    "te",
    "proxy-authorization",
    "cookie",
    "x-forwarded-for",
    "sec-websocket-accept",
    "sec-websocket-extensions",
  ]) {
    assert.equal(headers?.[name], undefined, name);
  }
  assert.equal(headers?.authorization, "Bearer the-gateway's-own");
  assert.equal(headers?.connection, "upgrade");
  assert.equal(headers?.["sec-websocket-version"], "13");
  const names = rawHeaders?.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()) ?? [];
  assert.equal(names.length, new Set(names).size, "each header once");
  socket.destroy();
});

const secret = "browser-key-1234";

test("a key in a subprotocol or the query reaches no backend and no log, whatever its credential", async (t) => {
  for (const auth of [backendAuth, { passthrough: {} }]) {
    for (const backend of [
      { host: `localhost:${foundry.port}` },
      model(`localhost:${foundry.port}`, { provider: { openAI: {} } }),
    ]) {
      const gateway = await runGateway(
        t,
        routes({ policies: { backendAuth: auth }, backends: [backend] }),
      );
      const asked = `/openai/v1/realtime?API-key=${secret}&model=m&access%5Ftoken=${secret}&Authorization=Bearer+${secret}&subscription-key=${secret}`;
      const protocols = [
        "realtime",
        `openai-insecure-api-key.${secret}`,
        "openai-beta.realtime-v1",
      ];
      // Without a credential of its own, the stand-in refuses a caller passed through.
      await (auth === backendAuth ? open : refused)(gateway.origin, asked, { protocols });
      const received = foundry.requests.at(-1);
      assert.equal(received?.path, "/openai/v1/realtime?model=m");
      assert.equal(
        received?.headers["sec-websocket-protocol"],
        "realtime, openai-beta.realtime-v1",
      );
      assert.ok(!JSON.stringify(received?.rawHeaders).includes(secret));
      await gateway.gateway.drain(0);
      assert.ok(!gateway.logText().includes(secret));
    }
  }
});

test("a caller bound to some models gets no session with a service", async (t) => {
  const policies = { backendAuth, apiKey: { keys: [{ key: "k", allowedModels: ["m"] }] } };
  const { origin } = await runGateway(
    t,
    routes({ policies, backends: [{ host: `localhost:${foundry.port}` }] }),
  );
  const refusal = await refused(origin, target, { headers: { "api-key": "k" } });
  assert.deepEqual([refusal.status, errorIn(refusal)["code"]], [403, "model_not_allowed"]);
  assert.equal(foundry.connections.tcp, 0);
});

test("what the config passes through keeps its path, and the models that its query names are looked at", async (t) => {
  const policies = { backendAuth, apiKey: { keys: [{ key: "k", allowedModels: ["m"] }] } };
  const ai = { routes: { "*": "passthrough" as const } };
  const change = { provider: { openAI: {} }, policies: { ai } };
  const { origin } = await runGateway(
    t,
    routes({ policies, backends: [model(`localhost:${foundry.port}`, change)] }),
  );
  const headers = { "api-key": "k" };
  (await open(origin, "/openai/v1/realtime?b=1&model=m", { headers })).socket.terminate();
  assert.equal(foundry.sessions[0]?.path, "/openai/v1/realtime?b=1&model=m");
  for (const query of ["model=m&Deployment=x", "model=x", "b=1", "mode%6C=x"]) {
    const refusal = await refused(origin, `/openai/v1/realtime?${query}`, { headers });
    assert.deepEqual([refusal.status, errorIn(refusal)["code"]], [403, "model_not_allowed"], query);
  }
  assert.equal(foundry.requests.length, 1);
});

test("leaving in the middle of a response is not free: what it has cost is estimated", async (t) => {
  const { origin, accessLog } = await runGateway(
    t,
    routes({
      policies: {
        backendAuth,
        localRateLimit: [{ maxTokens: 20, tokensPerFill: 20, fillInterval: "1h", type: "tokens" }],
      },
      backends: [model(`localhost:${foundry.port}`, { provider: { openAI: {} } })],
    }),
  );
  const client = await open(origin, target);
  const [session] = foundry.sessions;
  session?.socket.send(JSON.stringify({ event_id: "e", type: "response.created", response: {} }));
  session?.socket.send(JSON.stringify({ type: "response.audio.delta", delta: "x".repeat(20_000) }));
  await client.until("response.audio.delta");
  client.socket.terminate();
  await accessLog(1);
  assert.equal((await refused(origin, target)).status, 429);
});

const consents: Readonly<Record<string, string>> = {
  "a wrong accept": `upgrade: websocket\r\nsec-websocket-accept: ${acceptOf("other")}\r\n`,
  "no accept": "upgrade: websocket\r\n",
  "another protocol": `upgrade: h2c\r\nsec-websocket-accept: ${acceptOf(key)}\r\n`,
  "no protocol at all": `sec-websocket-accept: ${acceptOf(key)}\r\n`,
  "an unoffered subprotocol": `upgrade: websocket\r\nsec-websocket-accept: ${acceptOf(key)}\r\nsec-websocket-protocol: evil\r\n`,
  "an unoffered extension": `upgrade: websocket\r\nsec-websocket-accept: ${acceptOf(key)}\r\nsec-websocket-extensions: permessage-deflate\r\n`,
};

for (const [name, fields] of Object.entries(consents)) {
  test(`a backend that consents with ${name} gets no caller`, async (t) => {
    const backend = await answering(
      t,
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n${fields}\r\n`,
    );
    const gateway = await runGateway(t, backend.config);
    const answer = await exchangeBytes(gateway.port, handshake());
    assert.match(answer, /^HTTP\/1\.1 502 [^]*"code":"upstream_protocol"/);
    assert.deepEqual(backend.heard(), []);
  });
}

test("a good consent's other headers are an answer's", async (t) => {
  const backend = await answering(
    t,
    `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade, x-hop\r\nx-hop: 1\r\nupgrade: websocket\r\nsec-websocket-accept: ${acceptOf(key)}\r\nset-cookie: a=b\r\ncontent-length: 10\r\napim-request-id: abc\r\n\r\n`,
  );
  const { port } = await runGateway(t, backend.config);
  const socket = speak(port, handshake());
  const [head] = await once(socket, "data");
  assert.match(String(head), /^HTTP\/1\.1 101 /);
  assert.match(String(head), /\r\napim-request-id: abc\r\n/);
  assert.doesNotMatch(String(head), /x-hop|set-cookie|content-length|transfer-encoding/i);
  socket.destroy();
});

test("a 101 that nobody asked for, and that does not say to what, ends in a 502 as well", async (t) => {
  const backend = await answering(
    t,
    "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
  );
  const { origin } = await runGateway(t, backend.config);
  const reply = await call(origin, { path: "/x" });
  assert.deepEqual([reply.status, errorOf(reply)["code"]], [502, "upstream_protocol"]);
});

test("a 101 that nobody asked for ends in a 502, and its connection serves nobody else", async (t) => {
  const backend = await answering(
    t,
    `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${acceptOf(key)}\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`,
  );
  const { origin } = await runGateway(t, backend.config);
  for (let turn = 1; turn <= 2; turn += 1) {
    const reply = await call(origin, { path: "/x" });
    assert.deepEqual([reply.status, errorOf(reply)["code"]], [502, "upstream_reset"]);
    assert.equal(backend.connections(), turn);
  }
});

/** Sends, and keeps the connection. */
function speak(port: number, bytes: string): Socket {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  socket.write(bytes);
  return socket;
}

/** A backend that gives this answer to whatever comes first, and what it hears after that. */
async function answering(t: { after(work: () => void): void }, answer: string) {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(answer);
      socket.on("data", (chunk) => heard.push(String(chunk)));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    config: routes({
      backends: [{ host: `127.0.0.1:${address.port}` }],
      policies: { backendAuth },
    }),
    heard: () => heard,
    connections: () => sockets.length,
  };
}
