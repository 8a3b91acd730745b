// A body is kept up to 1 MiB so that it can be sent again; beyond that a request is sent once, and
// the log says so. What arrives at the second backend is what the caller sent, to the byte, also when
// the first answered while it was still arriving.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, beforeEach, test } from "node:test";
import { Agent } from "node:http";
import { type Call, call, open, replyOf } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { counts, inGroups, question, startFoundries } from "./backends.ts";

const foundries = await startFoundries(2);
const [first, second] = foundries;
assert.ok(first !== undefined && second !== undefined);
beforeEach(() => foundries.forEach((foundry) => foundry.reset()));
after(() => Promise.all(foundries.map((foundry) => foundry.close())));

const services = routes({
  policies: { backendAuth: { key: "any" } },
  backends: foundries.map(({ port }) => ({ host: `localhost:${port}` })),
});
/** With this much luck the backends of equal weight are tried in their order. */
const random = () => 0;
const upload = (body: Buffer): Call => ({ method: "POST", path: "/language/x", body });

for (const size of [1, 1_000, 1024 * 1024]) {
  for (const when of ["headers", "body"] as const) {
    test(`a body of ${size} bytes is sent again, after the ${when}`, async (t) => {
      const { origin } = await runGateway(t, services, { random });
      const body = randomBytes(size);
      first.next({ kind: "status", status: 503, after: when });
      assert.equal((await call(origin, upload(body))).status, 200);
      assert.deepEqual(await second.requests[0]?.whenBody, body);
    });
  }
}

test("a body of more than 1 MiB is not, and the log says so", async (t) => {
  const { origin, accessLog } = await runGateway(t, services, { random });
  first.next({ kind: "status", status: 503 });
  const body = randomBytes(1024 * 1024 + 1);
  assert.equal((await call(origin, upload(body))).status, 503);
  assert.deepEqual(counts(foundries), [1, 0]);
  assert.partialDeepStrictEqual((await accessLog(1))[0], {
    notRetried: "the request body cannot be sent again",
    attempts: 1,
    upstreamStatus: 503,
  });
});

test("a body that still arrives while the first backend refuses reaches the second whole", async (t) => {
  const { origin } = await runGateway(t, services, { random });
  const pieces = Array.from({ length: 40 }, () => randomBytes(5_000));
  first.next({ kind: "status", status: 503, after: "headers" });
  const { request, answer } = open(origin, {
    method: "PUT",
    path: "/language/x",
    headers: { "transfer-encoding": "chunked" },
  });
  for (const [at, piece] of pieces.entries()) {
    request.write(piece);
    if (at === 3) await second.whenReceived(1);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  request.end();
  assert.equal((await replyOf(await answer)).status, 200);
  assert.deepEqual(await second.requests[0]?.whenBody, Buffer.concat(pieces));
});

test("an AI request is sent again whatever its size, each time with the backend's own model", async (t) => {
  const { origin } = await runGateway(t, inGroups(foundries));
  first.next({ kind: "status", status: 503 });
  const content = "x".repeat(3 * 1024 * 1024);
  const body = JSON.stringify({ model: "asked", messages: [{ role: "user", content }] });
  assert.equal((await call(origin, { ...question, body })).status, 200);
  for (const [at, { requests }] of foundries.entries()) {
    const received = JSON.parse(String(await requests[0]?.whenBody));
    assert.equal(received.model, `model-of-b${at}`);
    assert.equal(received.messages[0].content, content);
  }
});

test("a caller whose upload was answered early keeps its connection", async (t) => {
  const { origin } = await runGateway(t, services, { random });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  foundries.forEach((foundry) => foundry.next({ kind: "status", status: 413, after: "headers" }));
  const { request, answer } = open(origin, {
    method: "PUT",
    path: "/language/x",
    headers: { "content-length": 300_000 },
    agent,
  });
  request.write(Buffer.alloc(100_000));
  const reply = await replyOf(await answer);
  assert.equal(reply.status, 413);
  request.end(Buffer.alloc(200_000));
  assert.equal((await call(origin, { path: "/language/x", agent })).status, 200);
});
