// A kept-alive connection that the backend has closed meanwhile is the gateway's affair: the request
// goes out again on a new one, once, and the caller does not notice (pitfall 30). A body that has gone
// and cannot be had again is not sent half: the caller is told.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Call, call, chat, errorOf } from "../caller.ts";
import { type WrittenBackend, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any", keepAliveMs: 60_000 });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const ai = model(`localhost:${foundry.port}`);
const host: WrittenBackend = { host: `localhost:${foundry.port}` };
const question = chat({ messages: [{ role: "user", content: "Hi" }] });
const upload: Call = { method: "PUT", path: "/language/x", body: "12345" };
const behind = (backend: WrittenBackend) =>
  routes({ backends: [backend], policies: { backendAuth: { key: "any" } } });

for (const { name, backend, asked } of [
  { name: "a chat completion", backend: ai, asked: question },
  { name: "a GET of a host backend", backend: host, asked: { path: "/language/x" } },
]) {
  for (const manner of ["destroy", "reset"] as const) {
    test(`${name} on a connection that turns out closed (${manner}) is sent once more`, async (t) => {
      const { origin, accessLog } = await runGateway(t, behind(backend));
      assert.equal((await call(origin, asked)).status, 200);
      foundry.next({ kind: "noAnswer", manner });
      assert.equal((await call(origin, asked)).status, 200);
      assert.equal(foundry.requests.length, 3);
      assert.deepEqual(foundry.requests[1]?.body, foundry.requests[2]?.body);
      assert.equal(foundry.connections.tcp, 2);
      assert.partialDeepStrictEqual((await accessLog(2))[1], { attempts: 2, outcome: "ok" });
    });
  }

  test(`${name} is not sent a third time`, async (t) => {
    const { origin } = await runGateway(t, behind(backend));
    assert.equal((await call(origin, asked)).status, 200);
    foundry.always({ kind: "noAnswer", manner: "reset" });
    assert.equal((await call(origin, asked)).status, 502);
    assert.equal(foundry.requests.length, 3);
  });

  test(`${name} on a new connection that is cut is not sent again`, async (t) => {
    const { origin } = await runGateway(t, behind(backend));
    foundry.next({ kind: "noAnswer", manner: "reset" });
    assert.equal((await call(origin, asked)).status, 502);
    assert.equal(foundry.requests.length, 1);
  });

  test(`${name} is not sent again once an answer has begun`, async (t) => {
    const { origin } = await runGateway(t, behind(backend));
    foundry.next({ kind: "truncated" });
    const reply = await call(origin, asked);
    assert.deepEqual([reply.status, reply.ending], [200, "broken"]);
    assert.equal(foundry.requests.length, 1);
  });
}

for (const { name, backend, asked } of [
  { name: "a chat completion", backend: ai, asked: question },
  { name: "a GET of a host backend", backend: host, asked: { path: "/language/x" } },
  { name: "an upload", backend: host, asked: upload },
]) {
  test(`${name} after the backend has dropped its idle connections succeeds`, async (t) => {
    const { origin } = await runGateway(t, behind(backend));
    for (let turn = 0; turn < 3; turn += 1) {
      assert.equal((await call(origin, asked)).status, 200);
      foundry.dropIdleConnections();
    }
    assert.equal(foundry.connections.tcp, 3);
  });
}

test("an upload that was cut is not sent again, for its body is gone", async (t) => {
  const { origin } = await runGateway(t, behind(host));
  foundry.next({ kind: "noAnswer", manner: "reset" });
  const reply = await call(origin, upload);
  assert.equal(reply.status, 502);
  assert.equal(errorOf(reply)["code"], "upstream_reset");
  assert.equal(foundry.requests.length, 1);
});
