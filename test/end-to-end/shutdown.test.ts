// SIGTERM is how a platform says that a replica has some seconds left. What is under way is served to its
// end; what has not begun goes elsewhere; and who means it says so twice (pitfall 21).
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, type TestContext, test } from "node:test";
import { freePort } from "../demo/gateway-process.ts";
import { call, chat, open, replyOf } from "../gateway/caller.ts";
import { startFoundry } from "../stand-in/foundry.ts";
import { type GatewayChild, bundle, startChild } from "./gateway-child.ts";

const foundry = await startFoundry({ accept: "any" });
let directory = "";
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "foundry-gateway-"));
});
beforeEach(() => foundry.reset());
after(async () => {
  await foundry.close();
  await rm(directory, { recursive: true });
});

type Running = GatewayChild & { readonly origin: string; readonly readiness: string };

async function start(t: TestContext, ...args: readonly string[]): Promise<Running> {
  const port = await freePort();
  const readiness = await freePort();
  const config = join(directory, `${port}.yaml`);
  await writeFile(
    config,
    `config: { readinessAddr: "127.0.0.1:${readiness}" }
binds:
- port: ${port}
  listeners:
  - routes:
    - policies:
        apiKey: { keys: [{ key: callers-key }] }
        backendAuth: { key: any }
      backends:
      - ai: { name: foundry, hostOverride: "localhost:${foundry.port}", provider: { openAI: { model: gpt-5-mini } } }
`,
  );
  const child = startChild(t, bundle, ["-f", config, ...args]);
  await child.said('"msg":"listening"');
  return {
    ...child,
    origin: `http://127.0.0.1:${port}`,
    readiness: `http://127.0.0.1:${readiness}`,
  };
}

/** A stream of which two events are here, and the rest waits for `go`. */
async function streaming({ origin }: Running) {
  const go = Promise.withResolvers<void>();
  foundry.next({
    kind: "answer",
    gate: (written) => (written < 2 ? Promise.resolve() : go.promise),
  });
  const { request, answer } = open(origin, {
    ...chat(""),
    headers: { "content-type": "application/json", "api-key": "callers-key" },
  });
  request.end('{"messages":[{"role":"user","content":"Hi"}],"stream":true}');
  return { answer: await answer, go: go.resolve };
}

test("an idle gateway ends with 0 on SIGTERM and on SIGINT", { timeout: 30_000 }, async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const gateway = await start(t);
    assert.equal((await call(gateway.readiness, { path: "/healthz/ready" })).status, 200);
    gateway.process.kill(signal);
    assert.equal(await gateway.ended, 0);
    assert.equal(gateway.stderr(), "");
  }
});

test(
  "a stream under way is served to its end, while new callers are sent away",
  { timeout: 30_000 },
  async (t) => {
    const gateway = await start(t);
    const { answer, go } = await streaming(gateway);
    gateway.process.kill("SIGTERM");
    await gateway.said('"msg":"draining"');
    assert.equal((await call(gateway.readiness, { path: "/healthz/ready" })).status, 503);
    await assert.rejects(call(gateway.origin, {}), { code: "ECONNREFUSED" });
    go();
    const reply = await replyOf(answer);
    assert.equal(reply.ending, "clean");
    assert.match(reply.body.toString(), /data: \[DONE\]\n\n$/);
    assert.equal(await gateway.ended, 0);
    assert.match(gateway.stdout(), /"cut":0,.*"msg":"drained"/);
  },
);

test("a second signal ends it at once", { timeout: 30_000 }, async (t) => {
  const gateway = await start(t);
  const { answer } = await streaming(gateway);
  gateway.process.kill("SIGTERM");
  await gateway.said('"msg":"draining"');
  gateway.process.kill("SIGTERM");
  assert.equal(await gateway.ended, 1);
  assert.equal((await replyOf(answer)).ending, "broken");
});

test(
  "what is left when the drain timeout is over is cut, and counted",
  { timeout: 30_000 },
  async (t) => {
    const gateway = await start(t, "--drain-timeout", "0.1");
    const { answer } = await streaming(gateway);
    gateway.process.kill("SIGTERM");
    assert.equal((await replyOf(answer)).ending, "broken");
    assert.equal(await gateway.ended, 0);
    assert.match(gateway.stdout(), /"cut":1,.*"msg":"drained"/);
    await (
      await foundry.whenReceived(1)
    ).whenAborted;
  },
);

test("a port that is taken is said, and the exit code is 1", { timeout: 30_000 }, async (t) => {
  const taken = createServer().listen(0);
  await once(taken, "listening");
  t.after(() => taken.close());
  const address = taken.address();
  assert.ok(typeof address === "object" && address !== null);
  const config = join(directory, "taken.yaml");
  await writeFile(
    config,
    `config: { readinessAddr: "off" }\nbinds: [{ port: ${address.port}, listeners: [{}] }]\n`,
  );
  const gateway = startChild(t, bundle, ["-f", config]);
  assert.equal(await gateway.ended, 1);
  assert.match(gateway.stdout(), /EADDRINUSE.*"msg":"cannot listen"/);
});
