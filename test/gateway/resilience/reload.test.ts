// A new configuration takes the place of the old one between two requests. What was under way ends on
// the old one; tokens, connections, cool-downs and rate limits of what did not change are kept.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { createServer } from "node:net";
import { once } from "node:events";
import { after, beforeEach, test } from "node:test";
import { loadConfig } from "../../../gateway/config/load.ts";
import type { Config } from "../../../gateway/config/run.ts";
import { startIdentityEndpoint } from "../../stand-in/identity-endpoint.ts";
import { createTokens } from "../../stand-in/tokens.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { freePort } from "../../demo/gateway-process.ts";
import { call, errorOf, open, replyOf } from "../caller.ts";
import {
  type WrittenRoute,
  configuration,
  model,
  routes,
  systemAssigned,
} from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { question, streamed } from "./backends.ts";

const tokens = createTokens();
const foundry = await startFoundry({ tokens, keepAliveMs: 60_000 });
const other = await startFoundry({ tokens, accept: "any" });
const identity = await startIdentityEndpoint({
  tokens,
  systemAssigned: { name: "gateway", clientId: "c", objectId: "o" },
});
// @azure/identity reads the process's own.
Object.assign(process.env, identity.environment);
const { env } = process;
beforeEach(() => [foundry, other, identity].forEach((each) => each.reset()));
after(() => Promise.all([foundry, other, identity].map((each) => each.close())));

const scope = "https://ai.azure.com/.default";
const withToken = { azure: { ...systemAssigned.azure, scope } };
const routeTo = (port: number, name: string, more: Partial<WrittenRoute> = {}): WrittenRoute => ({
  name,
  policies: { backendAuth: withToken },
  backends: [model(`localhost:${port}`, { name })],
  ...more,
});

function parsed(yaml: string): Config {
  const loaded = loadConfig(yaml, { env, readFile: () => "" });
  assert.ok("config" in loaded, JSON.stringify(loaded));
  return loaded.config;
}

test("what is under way ends on the old configuration, what comes next begins on the new", async (t) => {
  const { origin, gateway, accessLog } = await runGateway(t, routes(routeTo(foundry.port, "old")), {
    env,
  });
  const goOn = Promise.withResolvers<void>();
  foundry.next({ kind: "answer", gate: (n) => (n === 3 ? goOn.promise : Promise.resolve()) });
  const { request, answer } = open(origin, streamed);
  request.end(streamed.body);
  const streaming = await answer;

  await gateway.reload(parsed(routes(routeTo(other.port, "new"))));
  assert.equal((await call(origin, question)).status, 200);
  assert.equal(other.requests.length, 1);
  goOn.resolve();
  const reply = await replyOf(streaming);
  assert.equal(reply.ending, "clean");
  assert.match(reply.body.toString(), /\[DONE\]\n\n$/);
  const lines = await accessLog(2);
  assert.deepEqual(
    lines.map(({ route, outcome }) => [route, outcome]),
    [
      ["new", "ok"],
      ["old", "ok"],
    ],
  );
});

test("tokens and connections of what does not change survive reloads", async (t) => {
  const yaml = (extra: string) =>
    routes(routeTo(foundry.port, "kept"), {
      name: extra,
      matches: [{ path: { exact: `/${extra}` } }],
      policies: { directResponse: { status: 204 } },
    });
  const { origin, gateway } = await runGateway(t, yaml("zero"), { env });
  await call(origin, question);
  for (const extra of ["one", "two", "three"]) {
    await gateway.reload(parsed(yaml(extra)));
    assert.equal((await call(origin, question)).status, 200);
    assert.equal((await call(origin, { path: `/${extra}` })).status, 204);
  }
  assert.equal(identity.calls.length, 1);
  assert.equal(foundry.connections.tcp, 1);
  assert.equal(gateway.counts().reloads, 3);
});

test("connections of a backend that is gone are closed, once nothing uses them", async (t) => {
  const { origin, gateway } = await runGateway(t, routes(routeTo(foundry.port, "old")), { env });
  const goOn = Promise.withResolvers<void>();
  foundry.next({ kind: "answer", gate: (n) => (n === 3 ? goOn.promise : Promise.resolve()) });
  const { request, answer } = open(origin, streamed);
  request.end(streamed.body);
  await answer;
  const [received] = foundry.requests;
  await gateway.reload(parsed(routes(routeTo(other.port, "new"))));
  await call(origin, question);
  assert.equal(received?.outcome, undefined);
  goOn.resolve();
  assert.equal((await replyOf(await answer)).ending, "clean");
  // Both directions: back again is a new connection.
  await gateway.reload(parsed(routes(routeTo(foundry.port, "old"))));
  assert.equal((await call(origin, question)).status, 200);
  assert.equal(foundry.connections.tcp, 2);
});

test("cool-downs and rate limits survive as well: a reload is no way around them", async (t) => {
  const yaml = (name: string) =>
    routes(
      routeTo(other.port, "limited", {
        policies: {
          backendAuth: withToken,
          localRateLimit: [{ maxTokens: 2, tokensPerFill: 2, fillInterval: "1h" }],
        },
        backends: [
          model(`localhost:${other.port}`, { name: "a" }),
          model(`localhost:${other.port}`, { name: "b" }),
        ],
      }),
      {
        name,
        matches: [{ path: { exact: `/${name}` } }],
        policies: { directResponse: { status: 204 } },
      },
    );
  const { origin, gateway } = await runGateway(t, yaml("one"), { env });
  other.always({ kind: "rateLimited", retryAfter: 60 });
  assert.equal((await call(origin, question)).status, 429);
  assert.equal(other.requests.length, 2);
  await gateway.reload(parsed(yaml("two")));
  assert.equal(errorOf(await call(origin, question))["code"], "rate_limit_exceeded");
  assert.equal(other.requests.length, 2);
  await gateway.reload(parsed(yaml("three")));
  assert.match(String(errorOf(await call(origin, question))["message"]), /limit for requests/);
});

const bindOn = (...ports: number[]) =>
  configuration({
    config: { readinessAddr: "off" },
    binds: ports.map((port) => ({
      port,
      listeners: [{ routes: [routeTo(other.port, `on-${ports.join("-")}`)] }],
    })),
  });
const here = { address: ({ port }: { port: number }) => ({ host: "127.0.0.1", port }) };

test("a port can be added and taken away; its last requests finish and its connections end", async (t) => {
  const [one, two] = [await freePort(), await freePort()];
  const { gateway } = await runGateway(t, bindOn(one), { env, ...here });
  const added = await gateway.reload(parsed(bindOn(one, two)));
  assert.deepEqual(
    added.map(({ port }) => port),
    [one, two],
  );
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const goOn = Promise.withResolvers<void>();
  other.next({ kind: "answer", gate: (n) => (n === 3 ? goOn.promise : Promise.resolve()) });
  const { request, answer } = open(`http://127.0.0.1:${two}`, { ...streamed, agent });
  request.end(streamed.body);
  const streaming = await answer;
  const closed = once(streaming.socket, "close");
  await gateway.reload(parsed(bindOn(one)));
  await assert.rejects(call(`http://127.0.0.1:${two}`, question), { code: "ECONNREFUSED" });
  goOn.resolve();
  assert.equal((await replyOf(streaming)).ending, "clean");
  await closed;
  assert.equal((await call(`http://127.0.0.1:${one}`, question)).status, 200);
});

test("a port that is taken leaves the old configuration in force, whole", async (t) => {
  const [one, free] = [await freePort(), await freePort()];
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  t.after(() => blocker.close());
  const taken = blocker.address();
  assert.ok(typeof taken === "object" && taken !== null);
  const { gateway, accessLog } = await runGateway(t, bindOn(one), { env, ...here });
  await assert.rejects(gateway.reload(parsed(bindOn(one, free, taken.port))), {
    code: "EADDRINUSE",
  });
  assert.equal((await call(`http://127.0.0.1:${one}`, question)).status, 200);
  assert.equal((await accessLog(1))[0]?.["route"], `on-${one}`);
  await assert.rejects(call(`http://127.0.0.1:${free}`, question), { code: "ECONNREFUSED" });
  assert.partialDeepStrictEqual(gateway.counts(), { reloads: 0, failedReloads: 1 });
  await gateway.reload(parsed(bindOn(free)));
  assert.equal((await call(`http://127.0.0.1:${free}`, question)).status, 200);
});

test("reloads that come together happen one after the other; the last stays", async (t) => {
  const { origin, gateway, accessLog } = await runGateway(t, routes(routeTo(other.port, "start")), {
    env,
  });
  const names = Array.from({ length: 20 }, (_, at) => `reload-${at}`);
  await Promise.all(
    names.map((name, at) =>
      gateway.reload(parsed(routes(routeTo(at % 2 === 0 ? foundry.port : other.port, name)))),
    ),
  );
  assert.equal((await call(origin, question)).status, 200);
  assert.equal((await accessLog(1))[0]?.["route"], "reload-19");
});
