import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, Agent } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { call, open, replyOf } from "../gateway/caller.ts";
import { systemAssigned, model, routes } from "../gateway/configuration.ts";
import type { HostedGateway } from "./hosted-gateway.ts";
import {
  type Fault,
  at,
  firstThenSecond,
  load,
  megabytes,
  provider,
  streamed,
  whole,
} from "./lab.ts";

const nothing = "nothing";

export const endurance: readonly Fault[] = [
  {
    name: "1,000 reloads under load",
    async find({ first, second, identity, gateway }) {
      const withToken = {
        azure: { ...systemAssigned.azure, scope: "https://ai.azure.com/.default" },
      };
      // The first backend stays, beside it something comes and goes with each reload.
      const yaml = (turn: number) =>
        routes(
          {
            policies: {
              backendAuth: withToken,
              localRateLimit: [{ maxTokens: 1_000_000, tokensPerFill: 1, fillInterval: "1h" }],
            },
            backends: [model(at(first))],
          },
          {
            name: `turn-${turn}`,
            matches: [{ path: { pathPrefix: "/second" } }],
            policies: {
              backendAuth: { key: `key-${turn}` },
              urlRewrite: { path: { prefix: "/v1" } },
              timeout: { connectTimeout: `${5 + (turn % 3)}s` },
            },
            backends: [model(at(second), { name: `second-${turn}` })],
          },
        );
      const { origin, reload, measure } = await gateway(yaml(0));
      const other = { ...whole, path: "/second/chat/completions" };
      const mixed = (turn: number) => [whole, other, streamed][turn % 3] ?? whole;
      await load(origin, mixed, 1_000, 20);
      await reload(yaml(1));
      const before = await measure();
      const tcpBefore = first.connections.tcp;
      const enough = new AbortController();
      let answered = 0;
      let failed = 0;
      const goOn = Promise.withResolvers<void>();
      first.next({ kind: "answer", gate: (n) => (n === 3 ? goOn.promise : Promise.resolve()) }, 10);
      const streams = await Promise.all(
        Array.from({ length: 10 }, () => {
          const { request, answer } = open(origin, streamed);
          request.end(streamed.body);
          return answer;
        }),
      );
      const running = (async () => {
        while (!enough.signal.aborted) {
          const tally = await load(origin, mixed, 200, 20);
          answered += tally.ok;
          failed += tally.failed;
        }
      })();
      for (let turn = 2; turn < 1_002; turn += 1) await reload(yaml(turn));
      enough.abort();
      await running;
      goOn.resolve();
      const ends = await Promise.all(streams.map(replyOf));
      await pause(500);
      const after = await measure();
      for (let turn = 1_002; turn < 2_002; turn += 1) await reload(yaml(turn));
      const { heap } = await measure();
      assert.ok(heap - after.heap < 1e6, `${after.heap} -> ${heap}`);
      assert.equal(failed, 0, JSON.stringify(after.outcomes));
      assert.ok(ends.every(({ ending }) => ending === "clean"));
      assert.equal(identity.calls.length, 1);
      assert.ok(after.heap - before.heap < 8e6, `${before.heap} -> ${after.heap}`);
      assert.ok(
        after.descriptors <= before.descriptors + 40,
        `${before.descriptors} -> ${after.descriptors}`,
      );
      return {
        sees: "nothing",
        lost: nothing,
        figure: `${answered} of ${answered} requests answered, 10 of 10 streams whole, 1 identity call, ${first.connections.tcp - tcpBefore} new connections to the unchanged backend; heap ${megabytes(before.heap)} → ${megabytes(after.heap)}, after 1,000 more ${megabytes(heap)}; open sockets and files ${before.descriptors} → ${after.descriptors}, timers ${before.timers} → ${after.timers}`,
      };
    },
  },
  {
    name: "caller reads a body of 200 MB slowly",
    async find({ first, gateway }) {
      first.always({ kind: "huge", bytes: 200e6 });
      const hosted = await gateway(
        routes({ policies: { backendAuth: { key: "any" } }, backends: [{ host: at(first) }] }),
      );
      const { rss } = await hosted.measure();
      let highest = rss;
      const { request, answer } = open(hosted.origin, { path: "/speech/x" });
      request.end();
      const slow = await answer;
      let bytes = 0;
      slow.on("data", (piece: Buffer) => {
        bytes += piece.length;
        highest = Math.max(highest, hosted.residentNow());
        // A pause for every megabyte or so.
        if (bytes % (1 << 20) < piece.length) {
          slow.pause();
          setTimeout(() => slow.resume(), 20);
        }
      });
      await once(slow, "end");
      assert.equal(bytes, 200e6);
      assert.ok(highest - rss < 100e6, megabytes(highest - rss));
      return {
        sees: "the body, at its own pace",
        lost: nothing,
        figure: `200 MB through at most ${megabytes(highest - rss)} more of resident memory`,
      };
    },
  },
  {
    name: "500 streams at once",
    async find({ first, gateway }) {
      const hosted = await gateway(
        routes({ policies: { backendAuth: { key: "any" } }, backends: [model(at(first))] }),
      );
      await load(hosted.origin, streamed, 200, 20);
      const before = await hosted.measure();
      const goOn = Promise.withResolvers<void>();
      first.always({ kind: "answer", gate: (n) => (n === 4 ? goOn.promise : Promise.resolve()) });
      const agent = new Agent({ maxSockets: Infinity });
      const requests: ClientRequest[] = [];
      const answers = await Promise.all(
        Array.from({ length: 500 }, () => {
          const { request, answer } = open(hosted.origin, { ...streamed, agent });
          requests.push(request.end(streamed.body));
          return answer;
        }),
      );
      const during = await hosted.measure();
      goOn.resolve();
      const ends = await Promise.all(answers.map(replyOf));
      assert.ok(ends.every(({ ending }) => ending === "clean"));
      const heap = during.heap + during.external - before.heap - before.external;
      assert.ok(heap < 50e6, megabytes(heap));
      return {
        sees: "nothing",
        lost: nothing,
        figure: `500 of 500 whole; ${megabytes(heap)} of heap and buffers (${(heap / 500 / 1000).toFixed(0)} kB each), resident ${megabytes(before.rss)} → ${megabytes(during.rss)}`,
      };
    },
  },
  {
    name: "an hour's traffic in a minute: whole, streamed, refused, broken, abandoned",
    async find({ first, second, gateway }) {
      const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"));
      const hosted = await gateway(yaml);
      await traffic(hosted, 2_000);
      first.reset();
      second.reset();
      const early = await hosted.measure();
      for (let round = 0; round < 5; round += 1) {
        first.next({ kind: "rateLimited", retryAfterMs: 50 }, 20);
        first.next({ kind: "noAnswer", manner: "reset" }, 2);
        first.next({ kind: "answer", cut: { at: { afterEvent: 3 }, manner: "destroy" } }, 2);
        await traffic(hosted, 4_000);
        // The stand-ins keep what they have seen.
        first.reset();
        second.reset();
      }
      await pause(500);
      const late = await hosted.measure();
      assert.ok(late.heap - early.heap < 5e6, `${early.heap} -> ${late.heap}`);
      const outcomes = Object.entries(late.outcomes).map(([name, count]) => `${count} ${name}`);
      return {
        sees: "what each fault above says",
        lost: nothing,
        figure: `${outcomes.join(", ")}; heap ${megabytes(early.heap)} after 2,000 requests, ${megabytes(late.heap)} after 22,000; open sockets and files ${early.descriptors} → ${late.descriptors}, timers ${early.timers} → ${late.timers}`,
      };
    },
  },
];

/** Some callers leave before the answer, some in the middle of it. */
async function traffic({ origin }: HostedGateway, total: number): Promise<void> {
  const leaving = (async () => {
    for (let turn = 0; turn < total / 20; turn += 1) {
      const { request, answer } = open(origin, streamed);
      request.end(streamed.body);
      if (turn % 2 === 0) (await answer.catch(() => undefined))?.destroy();
      else await new Promise((resolve) => setImmediate(resolve));
      request.destroy();
    }
  })();
  await load(origin, (turn) => (turn % 2 === 0 ? whole : streamed), total, 32);
  await leaving;
  await call(origin, whole);
}
