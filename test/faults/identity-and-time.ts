import assert from "node:assert/strict";
import { systemAssigned } from "../gateway/configuration.ts";
import { type Fault, at, firstThenSecond, load, provider, streamed, whole } from "./lab.ts";

const nothing = "nothing";
const hour = 3_600_000;
const withToken = {
  policies: {
    backendAuth: { azure: { ...systemAssigned.azure, scope: "https://ai.azure.com/.default" } },
  },
};

export const identityAndTime: readonly Fault[] = [
  ...(["outage", "throttled"] as const).map((kind): Fault => ({
    name: `identity endpoint ${kind === "outage" ? "fails" : "throttles"}, token at hand`,
    async find({ first, second, identity, gateway }) {
      const yaml = firstThenSecond(
        provider(at(first), "first", withToken),
        provider(at(second), "second"),
      );
      const { origin } = await gateway(yaml);
      await load(origin, whole, 1, 1);
      identity.always({ kind });
      const tally = await load(origin, whole, 300, 10);
      assert.equal(tally.failed, 0);
      assert.equal(second.requests.length, 0);
      return {
        sees: "nothing",
        lost: nothing,
        figure: `${tally.ok} of 300 answered by the first, ${identity.calls.length} identity call`,
      };
    },
  })),
  {
    name: "identity endpoint fails, no token yet; the second backend has a credential of its own",
    async find({ first, second, identity, gateway }) {
      identity.always({ kind: "outage" });
      const yaml = firstThenSecond(
        provider(at(first), "first", withToken),
        provider(at(second), "second"),
      );
      const { origin } = await gateway(yaml);
      const tally = await load(origin, whole, 100, 10);
      assert.equal(tally.failed, 0);
      assert.equal(first.requests.length, 0);
      return {
        sees: "200 from the second backend, the first of them after 5 s",
        lost: nothing,
        figure: `${tally.ok} of 100 answered, 0 requests without a credential, ${identity.calls.length} identity calls`,
      };
    },
  },
  {
    name: "clock jumps 20 hours forward, then back, an hour back, and forward",
    async find({ first, second, identity, gateway }) {
      const yaml = firstThenSecond(
        provider(at(first), "first", withToken),
        provider(at(second), "second"),
      );
      const { origin, jump } = await gateway(yaml);
      first.next({ kind: "rateLimited", retryAfter: 60 });
      let failed = 0;
      for (const milliseconds of [0, 20 * hour, -20 * hour, -hour, hour]) {
        await jump(milliseconds);
        failed += (await load(origin, whole, 50, 5)).failed;
      }
      assert.equal(failed, 0);
      return {
        sees: "nothing",
        lost: nothing,
        figure: `250 of 250 answered, ${identity.calls.length} identity calls, no cool-down outlives its 60 s`,
      };
    },
  },
  {
    name: "event loop stands still for 3 s",
    async find({ first, second, gateway }) {
      const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"), {
        timeout: { firstByteTimeout: "2s", idleTimeout: "2s" },
        health: { eviction: { consecutiveFailures: 1, duration: "1h" } },
      });
      const { origin, stall, measure } = await gateway(yaml);
      first.always({ kind: "answer", chunkDelayMs: 50 });
      const running = load(origin, (turn) => (turn % 2 === 0 ? whole : streamed), 200, 40);
      await stall(3_000);
      const tally = await running;
      const { evictions } = await measure();
      assert.equal(tally.failed, 0);
      return {
        sees: "a pause of 3 s",
        lost: nothing,
        figure: `${tally.ok} of 200 answered, ${evictions} backends evicted`,
      };
    },
  },
];
