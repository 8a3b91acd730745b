// A platform sends requests to what says it is ready, and kills what it has told to stop. Ready means
// listening; draining means no new requests, while those under way are served to their end (pitfall 21).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Agent } from "node:http";
import { startFoundry } from "../stand-in/foundry.ts";
import { type Reply, call, chat, open, replyOf } from "./caller.ts";
import { configuration, model, routes } from "./configuration.ts";
import { type RunningGateway, runGateway } from "./running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const yaml = routes({
  backends: [model(`localhost:${foundry.port}`)],
  policies: { backendAuth: { key: "any" } },
});
const messages = [{ role: "user", content: "Hi" }];

async function readiness(
  { readiness: at }: RunningGateway,
  path = "/healthz/ready",
): Promise<Reply> {
  assert.ok(at !== undefined);
  return call(at, { path });
}

test("it is ready as soon as it listens, at one path alone", async (t) => {
  const gateway = await runGateway(t, yaml);
  const { status, body } = await readiness(gateway);
  assert.deepEqual([status, body.toString()], [200, "ready\n"]);
  assert.equal((await readiness(gateway, "/healthz/ready?x")).status, 200);
  assert.equal((await readiness(gateway, "/")).status, 404);
  assert.equal(
    (await call(gateway.origin, { path: "/healthz/other" })).status,
    405,
    "a bind has its routes",
  );
});

test("a token that cannot be had does not make it unready: the other routes work", async (t) => {
  const gateway = await runGateway(
    t,
    routes(
      {
        matches: [{ path: { pathPrefix: "/broken" } }],
        backends: [model(`localhost:${foundry.port}`)],
        policies: { backendAuth: { azure: { explicitConfig: { workloadIdentity: {} } } } },
      },
      { backends: [model(`localhost:${foundry.port}`)], policies: { backendAuth: { key: "any" } } },
    ),
  );
  assert.equal((await readiness(gateway)).status, 200);
  assert.equal((await call(gateway.origin, chat({ messages }))).status, 200);
});

test("readinessAddr: off serves none", async (t) => {
  const gateway = await runGateway(
    t,
    configuration({
      config: { readinessAddr: "off" },
      binds: [{ port: 3000, listeners: [{ routes: [] }] }],
    }),
  );
  assert.equal(gateway.readiness, undefined);
});

test(
  "draining: not ready, no new connections, and the stream under way goes on to its end",
  { timeout: 20_000 },
  async (t) => {
    const gateway = await runGateway(t, yaml);
    const go = Promise.withResolvers<void>();
    foundry.next({
      kind: "answer",
      gate: (written) => (written < 2 ? Promise.resolve() : go.promise),
    });
    const { request, answer } = open(gateway.origin, {
      ...chat(""),
      headers: { "content-type": "application/json" },
    });
    request.end(
      JSON.stringify({ messages, stream: true, stream_options: { include_usage: true } }),
    );
    const stream = await answer;

    const drained = gateway.gateway.drain(60_000);
    const { status, body } = await readiness(gateway);
    assert.deepEqual([status, body.toString()], [503, "draining\n"]);
    await assert.rejects(call(gateway.origin, chat({ messages })), { code: "ECONNREFUSED" });

    go.resolve();
    const reply = await replyOf(stream);
    assert.equal(reply.ending, "clean");
    assert.equal(reply.body.toString(), foundry.requests[0]?.written.toString());
    assert.equal(await drained, 0, "none was cut");
    await assert.rejects(readiness(gateway), { code: "ECONNREFUSED" });
  },
);

test(
  "draining closes idle connections at once, and what is left when its time is up",
  { timeout: 20_000 },
  async (t) => {
    const gateway = await runGateway(t, yaml);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    await call(gateway.origin, { ...chat({ messages }), agent });
    foundry.next({ kind: "hang" });
    const { request, answer } = open(gateway.origin, {
      ...chat(""),
      headers: { "content-type": "application/json" },
    });
    request.end(JSON.stringify({ messages }));
    const received = await foundry.whenReceived(2);
    assert.equal(await gateway.gateway.drain(10), 1, "one was cut");
    await assert.rejects(answer, { code: "ECONNRESET" });
    await received.whenAborted;
  },
);
