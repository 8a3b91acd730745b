// SIGTERM: readiness fails, no new connection, what is under way finishes, exit 0 (azure-container-apps
// 285). The built process, fifty streams, and connections on which nothing is asked.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { after, beforeEach, test } from "node:test";
import { call, open } from "../caller.ts";
import { open as openWebSocket } from "../websocket/client.ts";
import { configuration, model } from "../configuration.ts";
import { startFoundries, streamed } from "./backends.ts";
import { runBuiltGateway } from "./built-gateway.ts";

const [foundry] = await startFoundries(1);
assert.ok(foundry !== undefined);
beforeEach(() => foundry.reset());
after(() => foundry.close());

const configure = (port: number, readiness: number) =>
  configuration({
    config: { readinessAddr: `127.0.0.1:${readiness}` },
    binds: [
      {
        port,
        listeners: [
          {
            routes: [
              {
                policies: { backendAuth: { key: "any" } },
                backends: [model(`localhost:${foundry.port}`)],
              },
            ],
          },
        ],
      },
    ],
  });

const ready = { path: "/healthz/ready" };

/** Streams that stand still in their middle until they are told to go on. */
async function startStreams(origin: string, count: number, agent?: Agent) {
  const goOn = Promise.withResolvers<void>();
  foundry?.always({
    kind: "answer",
    gate: (written) => (written === 3 ? goOn.promise : Promise.resolve()),
  });
  const answers: IncomingMessage[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const { request, answer } = open(
      origin,
      agent === undefined ? streamed : { ...streamed, agent },
    );
    request.end(streamed.body);
    answers.push(await answer);
  }
  return { answers, goOn: goOn.resolve };
}

async function endOf(answer: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const piece of answer) text += String(piece);
  } catch {
    return "broken";
  }
  return text.endsWith("data: [DONE]\n\n") ? "whole" : "short";
}

test("fifty streams outlive SIGTERM: none is cut, and the process exits 0", async (t) => {
  const gateway = await runBuiltGateway(t, configure, ["--drain-timeout", "60"]);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  // Kept alive, and opened without a word: neither may hold up the end.
  await call(gateway.origin, { ...streamed, agent });
  const mute = connect(gateway.port, "127.0.0.1").on("error", () => undefined);
  await once(mute, "connect");
  const { answers, goOn } = await startStreams(gateway.origin, 50, agent);
  assert.equal((await call(gateway.readiness, ready)).status, 200);

  gateway.child.kill("SIGTERM");
  await gateway.logged("draining");
  assert.equal((await call(gateway.readiness, ready)).status, 503);
  await assert.rejects(call(gateway.origin, streamed), { code: "ECONNREFUSED" });
  goOn();
  const ends = await Promise.all(answers.map(endOf));
  assert.deepEqual([...new Set(ends)], ["whole"]);
  assert.equal(await gateway.exit, 0);
  assert.partialDeepStrictEqual(await gateway.logged("drained"), { cut: 0, retries: 0 });
  const outcomes = gateway.lines.filter(({ msg }) => msg === "request");
  assert.deepEqual(
    [outcomes.length, ...new Set(outcomes.map(({ outcome }) => outcome))],
    [51, "ok"],
  );
});

test("what is not done by the end of the grace is cut, counted and logged; the exit is 0 all the same", async (t) => {
  const gateway = await runBuiltGateway(t, configure, ["--drain-timeout", "0.3"]);
  const { answers } = await startStreams(gateway.origin, 3);
  gateway.child.kill("SIGTERM");
  assert.deepEqual(await Promise.all(answers.map(endOf)), ["broken", "broken", "broken"]);
  assert.equal(await gateway.exit, 0);
  assert.partialDeepStrictEqual(await gateway.logged("drained"), { cut: 3 });
  assert.equal(gateway.lines.filter(({ msg }) => msg === "request").length, 3);
});

test("an open WebSocket has the same grace, and is then told that the gateway goes away", async (t) => {
  const gateway = await runBuiltGateway(t, configure, ["--drain-timeout", "0.3"]);
  const client = await openWebSocket(gateway.origin, "/openai/v1/realtime?model=m");
  gateway.child.kill("SIGTERM");
  await gateway.logged("draining");
  client.send({ type: "response.create" });
  await client.until("response.done");
  assert.equal(await client.closed, 1001);
  assert.equal(await gateway.exit, 0);
  assert.partialDeepStrictEqual(await gateway.logged("drained"), { cut: 1 });
  assert.partialDeepStrictEqual(await gateway.logged("request"), { outcome: "draining" });
});

test("a second signal ends it at once", async (t) => {
  const gateway = await runBuiltGateway(t, configure, ["--drain-timeout", "600"]);
  const { answers } = await startStreams(gateway.origin, 1);
  gateway.child.kill("SIGTERM");
  await gateway.logged("draining");
  gateway.child.kill("SIGTERM");
  assert.equal(await gateway.exit, 1);
  assert.deepEqual(await Promise.all(answers.map(endOf)), ["broken"]);
});

test("with nothing under way it ends by itself, long before the grace", async (t) => {
  const gateway = await runBuiltGateway(t, configure, ["--drain-timeout", "600"]);
  const mute = connect(gateway.port, "127.0.0.1").on("error", () => undefined);
  await once(mute, "connect");
  gateway.child.kill("SIGINT");
  assert.equal(await gateway.exit, 0);
});
