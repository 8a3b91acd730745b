// What is between a 101 and the end: every byte, at the pace of whoever reads; ends and breaks that are
// seen on the other side; and the gateway's own end.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { after, afterEach, test } from "node:test";
import { loadConfig } from "../../../gateway/config/load.ts";
import { closeFrame } from "../../../gateway/websocket/control-frame.ts";
import { acceptOf } from "../../../gateway/websocket/handshake.ts";
import { makeAuthority } from "../../stand-in/certificate.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { startLoopback } from "../../stand-in/loopback.ts";
import { call } from "../caller.ts";
import { configuration, routes } from "../configuration.ts";
import { type RunningGateway, runGateway } from "../running-gateway.ts";
import { errorIn, open, refused } from "./client.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const path = "/v1/realtime?model=m";
const toFoundry = {
  policies: { backendAuth: { key: "any" } },
  backends: [
    {
      ai: {
        name: "foundry",
        hostOverride: `localhost:${foundry.port}`,
        provider: { azure: { resourceName: "res", resourceType: "openAI" as const } },
      },
    },
  ],
};

/** A backend whose side of each WebSocket is a bare socket. */
async function bare(t: { after(work: () => void): void }) {
  const waiting: ((socket: Socket) => void)[] = [];
  const loopback = await startLoopback(
    {},
    (_, response) => response.end(),
    (request, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      const accept = acceptOf(request.headers["sec-websocket-key"] ?? "");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      );
      waiting.shift()?.(socket);
    },
  );
  t.after(() => void loopback.close());
  return {
    config: routes({
      backends: [{ host: `localhost:${loopback.port}` }],
      policies: { backendAuth: { key: "any" } },
    }),
    next: () => new Promise<Socket>((resolve) => waiting.push(resolve)),
  };
}

const handshake =
  "GET /x HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n\r\n";

/** A caller whose side is a bare socket, past the head of its 101. */
async function bareCaller({ port }: RunningGateway, first: Buffer = Buffer.alloc(0), asked = "/x") {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write(Buffer.concat([Buffer.from(handshake.replace("/x", asked)), first]));
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const [chunk]: Buffer[] = await once(socket, "data");
    head += chunk?.toString("latin1") ?? "";
  }
  assert.match(head, /^HTTP\/1\.1 101 /);
  socket.pause();
  return socket;
}

/** All that comes on a socket, which stays as open as it is the other way. */
function wholeOf(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.once("end", () => resolve(Buffer.concat(chunks)));
    socket.resume();
  });
}

test("many megabytes go both ways, byte for byte, at the pace of whoever reads", async (t) => {
  const backend = await bare(t);
  const gateway = await runGateway(t, backend.config);
  const upstream = backend.next();
  const [up, down] = [randomBytes(40_000_000), randomBytes(50_000_000)];
  // Some of it with the handshake itself.
  const caller = await bareCaller(gateway, up.subarray(0, 1_000));
  const far = await upstream;
  caller.write(up.subarray(1_000));
  far.write(down);
  // Nobody reads yet: what has been taken from either is what fits in buffers on the way.
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(caller.writableLength > 0 && far.writableLength > 0);
  caller.end();
  far.end();
  const [gotUp, gotDown] = await Promise.all([wholeOf(far), wholeOf(caller)]);
  assert.ok(gotUp.equals(up) && gotDown.equals(down));
  const [line] = await gateway.accessLog(1);
  assert.partialDeepStrictEqual(line, { requestBytes: up.length, responseBytes: down.length });
});

test("a message of several megabytes comes back from a model's session as it was", async (t) => {
  const { origin } = await runGateway(t, routes(toFoundry));
  const client = await open(origin, path, { maxPayload: 2 ** 26 });
  const item = { text: randomBytes(3_000_000).toString("base64") };
  client.send({ type: "conversation.item.create", item });
  assert.deepEqual((await client.until("conversation.item.added")).at(-1)?.["item"], item);
  client.socket.terminate();
});

test("each side can end before the other", async (t) => {
  const backend = await bare(t);
  const gateway = await runGateway(t, backend.config);
  for (const first of ["caller", "backend"] as const) {
    const upstream = backend.next();
    const caller = await bareCaller(gateway);
    const far = await upstream;
    const [early, late] = first === "caller" ? [caller, far] : [far, caller];
    early.end("last words");
    assert.equal(String(await wholeOf(late)), "last words");
    late.end("an answer all the same");
    assert.equal(String(await wholeOf(early)), "an answer all the same");
  }
  const outcomes = (await gateway.accessLog(2)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["client_closed", "upstream_reset"]);
});

test("a caller that breaks off breaks off the backend, and the log says so", async (t) => {
  const gateway = await runGateway(t, routes(toFoundry));
  const client = await open(gateway.origin, path);
  const [session] = foundry.sessions;
  client.socket.terminate();
  assert.equal(await session?.whenClosed, 1006);
  const caller = await bareCaller(gateway, Buffer.alloc(0), path);
  const other = foundry.sessions[1];
  caller.resetAndDestroy();
  assert.equal(await other?.whenClosed, 1006);
  const lines = (await gateway.accessLog(2)).map(({ status, outcome }) => [status, outcome]);
  assert.deepEqual(lines, [
    [101, "client_closed"],
    [101, "client_closed"],
  ]);
});

test("a backend that dies is seen to have died", async (t) => {
  const gateway = await runGateway(t, routes(toFoundry));
  for (const manner of ["reset", "end"] as const) {
    const client = await open(gateway.origin, path);
    const session = foundry.sessions.at(-1);
    if (manner === "reset") session?.tcp.resetAndDestroy();
    else session?.tcp.end();
    assert.equal(await client.closed, 1006, manner);
  }
  const outcomes = (await gateway.accessLog(2)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["upstream_reset", "upstream_reset"]);
});

test("sessions that have ended, however they did, leave nothing under way", async (t) => {
  const gateway = await runGateway(t, routes(toFoundry));
  const clients = await Promise.all(Array.from({ length: 60 }, () => open(gateway.origin, path)));
  for (const [at, client] of clients.entries()) {
    if (at % 3 === 0) client.socket.close(1000);
    else if (at % 3 === 1) client.socket.terminate();
    else foundry.sessions[at]?.socket.terminate();
  }
  await Promise.all(foundry.sessions.map(({ whenClosed }) => whenClosed));
  await gateway.accessLog(60);
  assert.equal(await gateway.gateway.drain(60_000), 0);
});

test("a close of the backend's reaches the caller with its code", async (t) => {
  const gateway = await runGateway(t, routes(toFoundry));
  const client = await open(gateway.origin, path);
  foundry.sessions[0]?.socket.close(4001, "session expired");
  assert.equal(await client.closed, 4001);
  assert.partialDeepStrictEqual(await gateway.accessLog(1), [
    { outcome: "ok", closeCode: 4001, closedBy: "backend" },
  ]);
});

test("a caller that leaves before the 101 leaves nothing behind", async (t) => {
  const gateway = await runGateway(t, routes(toFoundry));
  for (const leave of ["end", "reset"] as const) {
    foundry.next({ kind: "hang" });
    const received = foundry.whenReceived(foundry.requests.length + 1);
    const caller = connect(gateway.port, "127.0.0.1").on("error", () => undefined);
    caller.write(handshake.replace("/x", path));
    const { whenAborted } = await received;
    if (leave === "end") caller.end();
    else caller.resetAndDestroy();
    await whenAborted;
  }
  const lines = (await gateway.accessLog(2)).map(({ status, outcome }) => [status, outcome]);
  assert.deepEqual(lines, [
    [499, "client_closed"],
    [499, "client_closed"],
  ]);
});

test("a backend that does not answer the handshake is given up", async (t) => {
  const gateway = await runGateway(
    t,
    routes({
      ...toFoundry,
      policies: { ...toFoundry.policies, timeout: { firstByteTimeout: "50ms" } },
    }),
  );
  foundry.next({ kind: "hang" });
  const refusal = await refused(gateway.origin, path);
  assert.deepEqual(
    [refusal.status, errorIn(refusal)["code"]],
    [504, "upstream_first_byte_timeout"],
  );
});

test("what is open when the gateway ends is told so on both sides, between frames", async (t) => {
  const gateway = await runGateway(t, routes(toFoundry));
  const client = await open(gateway.origin, path);
  await client.until("session.created");
  const [session] = foundry.sessions;
  assert.equal(await gateway.gateway.drain(10), 1);
  assert.deepEqual([await client.closed, await session?.whenClosed], [1001, 1001]);
  assert.partialDeepStrictEqual(await gateway.accessLog(1), [{ outcome: "draining", status: 101 }]);
});

test("in the middle of a frame it is broken off instead: nothing forged comes after half a message", async (t) => {
  const backend = await bare(t);
  const gateway = await runGateway(t, backend.config);
  const upstream = backend.next();
  const caller = await bareCaller(gateway);
  const far = await upstream;
  const half = Buffer.from([0x81, 100, 0x61]);
  far.write(half);
  const [got] = await once(caller.resume(), "data");
  const [rest, seen] = await Promise.all([
    new Promise<Buffer[]>((resolve) => {
      const chunks: Buffer[] = [];
      caller.on("data", (chunk: Buffer) => chunks.push(chunk));
      caller.once("close", () => resolve(chunks));
      caller.once("end", () => caller.end());
      caller.once("error", () => undefined);
    }),
    wholeOf(far),
    gateway.gateway.drain(0),
  ]);
  assert.deepEqual([got, rest], [half, []]);
  // The other way no frame was under way.
  assert.equal(seen.length, closeFrame("server", 1001).length);
});

test("a session under way is waited for, and a new one is refused meanwhile", async (t) => {
  const gateway = await runGateway(t, routes(toFoundry));
  const client = await open(gateway.origin, path);
  const kept = connect(gateway.port, "127.0.0.1");
  await once(kept, "connect");
  // Begun before the drain, and here: otherwise it would just be closed.
  kept.write("GET /none HTTP/1.1\r\n");
  await call(gateway.origin, { path: "/none" });
  const drained = gateway.gateway.drain(60_000);
  client.send({ type: "response.create" });
  await client.until("response.done");
  kept.write(handshake.slice(handshake.indexOf("\r\n") + 2));
  assert.match(String(await wholeOf(kept)), /^HTTP\/1\.1 503 [^]*"code":"draining"/);
  client.socket.close(1000);
  assert.equal(await client.closed, 1000);
  assert.equal(await drained, 0);
});

test("a new configuration leaves open sessions alone, even where their backend is gone", async (t) => {
  const gateway = await runGateway(t, routes(toFoundry));
  const client = await open(gateway.origin, path);
  const loaded = loadConfig(routes({ policies: { directResponse: { status: 204 } } }), {
    env: {},
    readFile: () => "",
  });
  assert.ok("config" in loaded);
  await gateway.gateway.reload(loaded.config);
  client.send({ type: "response.create" });
  await client.until("response.done");
  client.socket.close(1000);
  assert.equal(await client.closed, 1000);
  assert.partialDeepStrictEqual(await gateway.accessLog(1), [{ outcome: "ok" }]);
});

test("streamKeepAlive pings a silent caller; its pong is the backend's to ignore", async (t) => {
  const gateway = await runGateway(
    t,
    routes({ ...toFoundry, policies: { ...toFoundry.policies, streamKeepAlive: "1s" } }),
  );
  const client = await open(gateway.origin, path);
  await client.until("session.created");
  const [payload] = await once(client.socket, "ping");
  assert.equal(payload.length, 0);
  client.send({ type: "response.create" });
  await client.until("response.done");
  client.socket.close(1000);
  assert.equal(await client.closed, 1000);
});

test("totalTimeout and idleTimeout end it, with a close frame", async (t) => {
  for (const timeout of [{ totalTimeout: "80ms" }, { idleTimeout: "80ms" }]) {
    const gateway = await runGateway(
      t,
      routes({ ...toFoundry, policies: { ...toFoundry.policies, timeout } }),
    );
    const client = await open(gateway.origin, path);
    assert.equal(await client.closed, 1001);
    const [phase = ""] = Object.keys(timeout);
    assert.partialDeepStrictEqual(await gateway.accessLog(1), [
      { outcome: `upstream_${phase.replace("Timeout", "")}_timeout` },
    ]);
  }
});

test("to a backend with TLS, and from a caller with TLS", async (t) => {
  const authority = await makeAuthority();
  const certificate = await authority.serverCertificate("my-resource.openai.azure.com");
  const secure = await startFoundry({ accept: "any", certificate });
  t.after(() => secure.close());
  const yaml = configuration({
    binds: [
      {
        port: 3443,
        listeners: [
          {
            protocol: "HTTPS",
            tls: { cert: "cert.pem", key: "key.pem" },
            routes: [
              {
                policies: { backendAuth: { key: "any" }, backendTLS: { root: "ca.pem" } },
                backends: [
                  {
                    ai: {
                      name: "a",
                      provider: { azure: { resourceName: "my-resource", resourceType: "openAI" } },
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  });
  const files = {
    "cert.pem": certificate.cert,
    "key.pem": certificate.key,
    "ca.pem": authority.cert,
  };
  const gateway = await runGateway(t, yaml, { files, upstreamPort: secure.port });
  const client = await open(`https://localhost:${gateway.port}`, path, { ca: authority.cert });
  client.send({ type: "response.create" });
  await client.until("response.done");
  assert.equal(secure.requests[0]?.servername, "my-resource.openai.azure.com");
  client.socket.close(1000);
  assert.equal(await client.closed, 1000);
  assert.partialDeepStrictEqual(await gateway.accessLog(1), [
    { outcome: "ok", tokens: { total: 18 } },
  ]);
});
