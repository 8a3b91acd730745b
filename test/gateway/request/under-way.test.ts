import assert from "node:assert/strict";
import { createServer, request as call } from "node:http";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import express from "express";
import { createLog } from "../../../gateway/access-log.ts";
import { arrive } from "../../../gateway/request/arrive.ts";
import type { Exchange } from "../../../gateway/request/exchange.ts";
import { type UnderWay, createUnderWay } from "../../../gateway/request/under-way.ts";

const onEnd = () => undefined;

/** Requests that arrive, and are answered when the test says so. */
async function arriving(t: TestContext, underWay: UnderWay) {
  const log = createLog({ write: () => undefined });
  const app = express();
  const arrived: Exchange[] = [];
  let heard: (() => void) | undefined;
  app.use((request, response) => {
    arrived.push(
      arrive(request, response, { port: 0, log, randomId: () => "id", underWay, onEnd }),
    );
    heard?.();
  });
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return async (): Promise<{ exchange: Exchange; end: () => Promise<void> }> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    heard = resolve;
    const asking = call({ port, host: "127.0.0.1" });
    asking.end();
    await promise;
    const exchange = arrived.at(-1);
    assert.ok(exchange !== undefined);
    const end = async () => {
      const closed = once(exchange.response, "close");
      exchange.response.end();
      await closed;
    };
    return { exchange, end };
  };
}

test("those under way are counted, listed and found by their connection, until they end", async (t) => {
  const underWay = createUnderWay();
  const come = await arriving(t, underWay);
  const [one, two] = [await come(), await come()];
  assert.equal(underWay.size, 2);
  assert.equal(underWay.on(two.exchange.request.socket), two.exchange);
  await one.end();
  assert.equal(underWay.size, 1);
  assert.deepEqual(underWay.all(), [two.exchange]);
  assert.equal(underWay.on(one.exchange.request.socket), undefined);
  const three = await come();
  assert.equal(underWay.size, 2);
  assert.equal(underWay.on(three.exchange.request.socket), three.exchange);
  await two.end();
  await three.end();
  assert.equal(underWay.size, 0);
  assert.deepEqual(underWay.all(), []);
});

test("what is to follow those under way waits for them, and not for those that come later", async (t) => {
  const underWay = createUnderWay();
  const done: string[] = [];
  underWay.afterThese(() => done.push("nobody"));
  assert.deepEqual(done, ["nobody"]);
  const come = await arriving(t, underWay);
  const one = await come();
  underWay.afterThese(() => done.push("one"));
  const two = await come();
  underWay.afterThese(() => done.push("two"));
  const three = await come();
  await two.end();
  assert.deepEqual(done, ["nobody"], "the first has not ended");
  await one.end();
  assert.deepEqual(done, ["nobody", "one", "two"]);
  await three.end();
  assert.equal(done.length, 3);
});
