// A caller that leaves costs money for as long as the model goes on writing for nobody: its request to
// the backend is closed at once, before the first byte as in the middle (pitfall 13, 31). It is nobody's
// fault: the log says client_closed, and no error.
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { startIdentityEndpoint } from "../../stand-in/identity-endpoint.ts";
import { createTokens } from "../../stand-in/tokens.ts";
import { type Call, call, chat, open } from "../caller.ts";
import { type WrittenBackend, model, routes, systemAssigned } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const tokens = createTokens();
const foundry = await startFoundry({ tokens, accept: "any" });
const identity = await startIdentityEndpoint({
  tokens,
  systemAssigned: { name: "gateway", clientId: "c", objectId: "o" },
});
// The identity library reads the environment of the process.
Object.assign(process.env, identity.environment);
beforeEach(() => {
  foundry.reset();
  identity.reset();
});
after(async () => {
  await foundry.close();
  await identity.close();
});

const question = JSON.stringify({ messages: [{ role: "user", content: "Hi" }], stream: true });
const asking: Call = { ...chat(""), headers: { "content-type": "application/json" } };
const policies = { backendAuth: { key: "any" } };

const kinds: readonly { kind: string; backend: WrittenBackend; asked: Call; body: string }[] = [
  {
    kind: "an AI backend",
    backend: model(`localhost:${foundry.port}`),
    asked: asking,
    body: question,
  },
  {
    kind: "a host backend",
    backend: { host: `localhost:${foundry.port}` },
    asked: { method: "POST", path: "/language/x", headers: { "content-length": 4 } },
    body: "body",
  },
];

for (const { kind, backend, asked, body } of kinds) {
  test(
    `a caller of ${kind} that leaves before the first byte ends the request`,
    { timeout: 20_000 },
    async (t) => {
      foundry.next({ kind: "hang" });
      const { origin, accessLog, logged } = await runGateway(
        t,
        routes({ backends: [backend], policies }),
      );
      const { request } = open(origin, asked);
      request.end(body);
      const received = await foundry.whenReceived(1);
      await received.whenBody;
      request.destroy();
      await received.whenAborted;
      const [line] = await accessLog(1);
      assert.partialDeepStrictEqual(line, { outcome: "client_closed", status: 499, level: 30 });
      assert.deepEqual(
        logged().filter(({ level }) => Number(level) > 30),
        [],
      );
    },
  );

  test(
    `a caller of ${kind} that leaves in the middle of the answer ends the request`,
    { timeout: 20_000 },
    async (t) => {
      foundry.next({ kind: "huge", bytes: 200_000_000 });
      const { origin, accessLog, logged } = await runGateway(
        t,
        routes({ backends: [backend], policies }),
      );
      const { request, answer } = open(origin, asked);
      request.end(body);
      const stream = await answer;
      await stream[Symbol.asyncIterator]().next();
      request.destroy();
      const received = await foundry.whenReceived(1);
      await received.whenAborted;
      assert.ok(received.bytesWritten < 200_000_000);
      const [line] = await accessLog(1);
      assert.partialDeepStrictEqual(line, { outcome: "client_closed", status: 200, level: 30 });
      assert.deepEqual(
        logged().filter(({ level }) => Number(level) > 30),
        [],
      );
    },
  );

  test(
    `a caller of ${kind} that leaves while the token is awaited never reaches the backend`,
    { timeout: 20_000 },
    async (t) => {
      identity.always({ kind: "hang" });
      const { origin, accessLog } = await runGateway(
        t,
        routes({ backends: [{ ...backend, policies: { backendAuth: systemAssigned } }] }),
      );
      const { request } = open(origin, asked);
      request.end(body);
      while (identity.calls.length === 0) await nextTurn();
      request.destroy();
      assert.partialDeepStrictEqual(await accessLog(1), [
        { outcome: "client_closed", status: 499 },
      ]);
      // Ends the hanging call; the next one gets a token and wakes whoever waits.
      identity.reset();
      const { status } = await call(origin, { ...asked, body });
      assert.equal(status, 200);
      assert.equal(foundry.requests.length, 1, "the second caller's alone");
    },
  );

  test(
    `the next caller of ${kind} is served as if nothing had been`,
    { timeout: 20_000 },
    async (t) => {
      const { origin } = await runGateway(t, routes({ backends: [backend], policies }));
      for (let turn = 0; turn < 20; turn += 1) {
        foundry.next({ kind: "hang" });
        const { request } = open(origin, asked);
        request.end(body);
        const received = await foundry.whenReceived(foundry.requests.length + 1);
        request.destroy();
        await received.whenAborted;
      }
      assert.equal((await call(origin, { ...asked, body })).status, 200);
    },
  );
}

test(
  "a caller that leaves in the middle of a stream ends the backend's at once",
  { timeout: 20_000 },
  async (t) => {
    const { origin, accessLog } = await runGateway(
      t,
      routes({ backends: [model(`localhost:${foundry.port}`)], policies }),
    );
    // The third event is only written when the test says so, and it never does.
    foundry.next({
      kind: "answer",
      gate: (written) => (written < 2 ? Promise.resolve() : new Promise(() => {})),
    });
    const { request, answer } = open(origin, asking);
    request.end(question);
    const stream = await answer;
    await stream[Symbol.asyncIterator]().next();
    request.destroy();
    const received = await foundry.whenReceived(1);
    await received.whenAborted;
    assert.partialDeepStrictEqual(await accessLog(1), [
      { outcome: "client_closed", status: 200, stream: true },
    ]);
  },
);

test("a caller that leaves while it sends ends the upload", { timeout: 20_000 }, async (t) => {
  const { origin, accessLog } = await runGateway(
    t,
    routes({ backends: [{ host: `localhost:${foundry.port}` }], policies }),
  );
  const { request } = open(origin, {
    method: "PUT",
    path: "/language/x",
    headers: { "content-length": 1000 },
  });
  request.write("half");
  const received = await foundry.whenReceived(1);
  while (received.bodyLength < 4) await nextTurn();
  request.destroy();
  await received.whenAborted;
  assert.partialDeepStrictEqual(await accessLog(1), [{ outcome: "client_closed", status: 499 }]);
});

test(
  "a caller that leaves while it sends a question never reaches the model",
  { timeout: 20_000 },
  async (t) => {
    const { origin, accessLog } = await runGateway(
      t,
      routes({ backends: [model(`localhost:${foundry.port}`)], policies }),
    );
    const { request } = open(origin, {
      ...asking,
      headers: { ...asking.headers, "content-length": 1000 },
    });
    const connected = new Promise((resolve) => request.write('{"model":', resolve));
    await connected;
    // A whole request of another caller has gone through meanwhile.
    assert.equal((await call(origin, { ...asking, body: question })).status, 200);
    request.destroy();
    assert.partialDeepStrictEqual((await accessLog(2))[1], {
      outcome: "client_closed",
      status: 499,
    });
    assert.equal(foundry.requests.length, 1);
  },
);
