// The threat: callers that hold connections and memory by doing nothing, a byte at a time. A head
// and a body have a time to arrive in, and a connection without any byte in either direction ends;
// an answer that takes long, or a stream that pauses, is left alone.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, afterEach, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { buffer } from "node:stream/consumers";
import { defaultPatience } from "../../../gateway/listen/server.ts";
import { defaultTimeouts } from "../../../gateway/backend/transport.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat } from "../caller.ts";
import { type WrittenBackend, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const impatient = { head: 150, request: 300, silence: 60_000, keepAlive: 60_000, check: 30 };
const backends: Readonly<Record<string, WrittenBackend>> = {
  "an AI backend": model(`localhost:${foundry.port}`),
  "a host backend": { host: `localhost:${foundry.port}` },
};
const yaml = (backend: WrittenBackend) =>
  routes({ backends: [backend], policies: { backendAuth: { key: "any" } } });
const json = "host: x\r\ncontent-type: application/json\r\n";

/** Sends these pieces with a pause before each, whatever comes back, until the gateway closes. */
async function drip(port: number, pieces: Iterable<string>): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  const answer = buffer(socket).catch(() => Buffer.alloc(0));
  for (const piece of pieces) {
    if (!socket.writable) break;
    socket.write(piece);
    await pause(20);
  }
  return (await answer).toString("latin1");
}

function* endless(start: string, piece: string): Generator<string> {
  yield start;
  for (let at = 0; at < 500; at += 1) yield piece;
}

for (const [kind, backend] of Object.entries(backends)) {
  test(`${kind}: a head that comes a header at a time is a 408, and its connection closed`, async (t) => {
    const { port } = await runGateway(t, yaml(backend), { patience: impatient });
    const answer = await drip(
      port,
      endless(`POST /v1/chat/completions HTTP/1.1\r\n${json}`, "x-a: b\r\n"),
    );
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /"code":"request_incomplete"/);
    assert.equal(foundry.connections.tcp, 0);
  });

  for (const [framing, start, piece] of [
    ["a length", "content-length: 100000\r\n\r\n{", " "],
    ["chunks", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", "1\r\n \r\n"],
  ] as const) {
    test(`${kind}: a body with ${framing} that comes a byte at a time is a 408, and never whole upstream`, async (t) => {
      const { port, accessLog } = await runGateway(t, yaml(backend), { patience: impatient });
      const head = `POST /v1/chat/completions HTTP/1.1\r\n${json}`;
      const answer = await drip(port, endless(head + start, piece));
      assert.match(answer, /^HTTP\/1\.1 408 /);
      assert.match(answer, /"code":"request_incomplete"/);
      assert.match(answer, /\r\nconnection: close\r\n/i);
      for (const { bodySha256 } of foundry.requests) assert.equal(bodySha256, "");
      const [line] = await accessLog(1);
      assert.partialDeepStrictEqual(line, { status: 408, outcome: "request_incomplete" });
    });
  }

  test(`${kind}: a stream that takes longer than a request may is left alone`, async (t) => {
    const { origin } = await runGateway(t, yaml(backend), { patience: impatient });
    foundry.next({ kind: "answer", chunkDelayMs: 120, content: "one two three four" });
    const messages = [{ role: "user", content: "Hi" }];
    const reply = await call(origin, chat({ model: "m", messages, stream: true }));
    assert.equal(reply.status, 200);
    assert.equal(reply.ending, "clean");
    assert.match(reply.body.toString(), /data: \[DONE\]/);
  });

  test(`${kind}: an answer that begins later than a request may take is left alone`, async (t) => {
    const { origin } = await runGateway(t, yaml(backend), { patience: impatient });
    foundry.next({ kind: "answer", delayMs: 600 });
    const messages = [{ role: "user", content: "Hi" }];
    assert.equal((await call(origin, chat({ model: "m", messages }))).status, 200);
  });
}

test("a connection that never says anything is closed", async (t) => {
  const { port } = await runGateway(t, yaml(backends["a host backend"] ?? {}), {
    patience: impatient,
  });
  const answer = await drip(port, []);
  assert.match(answer, /^(HTTP\/1\.1 408 |$)/);
});

test("100 slow connections do not keep others from being served", async (t) => {
  const { port, origin } = await runGateway(t, yaml(model(`localhost:${foundry.port}`)), {
    patience: impatient,
  });
  const slow = Array.from({ length: 100 }, () =>
    drip(port, endless("POST / HTTP/1.1\r\nhost: x\r\n", "x-a: b\r\n")),
  );
  const messages = [{ role: "user", content: "Hi" }];
  assert.equal((await call(origin, chat({ messages }))).status, 200);
  for (const answer of await Promise.all(slow)) assert.match(answer, /^HTTP\/1\.1 408 /);
});

test("a caller that reads nothing of its answer is let go, and the backend with it", async (t) => {
  const { port, accessLog } = await runGateway(t, yaml({ host: `localhost:${foundry.port}` }), {
    patience: { ...impatient, silence: 400 },
  });
  foundry.next({ kind: "huge", bytes: 500_000_000 });
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  socket.write("GET /v1/x HTTP/1.1\r\nhost: x\r\n\r\n");
  socket.pause();
  const received = await foundry.whenReceived(1);
  await received.whenAborted;
  const [line] = await accessLog(1);
  assert.equal(line?.["outcome"], "client_closed");
  socket.destroy();
});

test("by default a body has five minutes, and silence lasts longer than any backend's first byte", () => {
  assert.deepEqual(defaultPatience, {
    head: 20_000,
    request: 300_000,
    silence: 660_000,
    keepAlive: 620_000,
    check: 5_000,
  });
  assert.ok(defaultPatience.silence > defaultTimeouts.firstByte);
});
