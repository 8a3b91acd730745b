import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Behaviour } from "../stand-in/behaviour.ts";
import { makeAuthority } from "../stand-in/certificate.ts";
import { startFoundry } from "../stand-in/foundry.ts";
import { errorOf } from "../gateway/caller.ts";
import {
  type Fault,
  at,
  firstThenSecond,
  load,
  provider,
  statuses,
  streamed,
  whole,
} from "./lab.ts";

const nothing = "nothing";
const second200 = "200 from the second backend";

/** 200 requests, 10 at a time, while the first backend behaves so. */
function passedOver(
  name: string,
  behaviour: Behaviour,
  timeout: { firstByteTimeout?: string } = {},
): Fault {
  return {
    name,
    async find({ first, second, gateway }) {
      first.always(behaviour);
      const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"), {
        timeout,
      });
      const { origin, measure } = await gateway(yaml);
      const tally = await load(origin, (turn) => (turn % 2 === 0 ? whole : streamed), 200, 10);
      assert.equal(tally.failed, 0);
      const { evictions, rescued } = await measure();
      return {
        sees: second200,
        lost: nothing,
        figure: `${tally.ok} of 200 answered, ${rescued} after a failed try; first asked ${first.requests.length} times, evicted ${evictions} ×`,
      };
    },
  };
}

export const failingBackends: readonly Fault[] = [
  {
    name: "backend refuses connections",
    async find({ first, second, gateway }) {
      const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"));
      const { origin, measure } = await gateway(yaml);
      await first.refuseConnections();
      const tally = await load(origin, whole, 200, 10);
      await first.acceptConnections();
      assert.equal(tally.failed, 0);
      const { rescued } = await measure();
      return {
        sees: second200,
        lost: nothing,
        figure: `${tally.ok} of 200 answered, ${rescued} after a failed try`,
      };
    },
  },
  passedOver("backend resets connections", { kind: "noAnswer", manner: "reset" }),
  passedOver("backend closes connections", { kind: "noAnswer", manner: "destroy" }),
  passedOver(
    "backend hangs (`firstByteTimeout: 300ms`)",
    { kind: "hang" },
    { firstByteTimeout: "300ms" },
  ),
  passedOver("backend answers what is not HTTP", { kind: "garbage" }),
  passedOver("backend answers 503", { kind: "status", status: 503 }),
  {
    name: "backend drips its answer's head, a byte each 20 ms",
    async find({ second, gateway }) {
      const dripping = await drip("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n");
      const yaml = firstThenSecond(
        provider(`localhost:${dripping.port}`, "first"),
        provider(at(second), "second"),
        { timeout: { firstByteTimeout: "300ms" } },
      );
      const { origin } = await gateway(yaml);
      const tally = await load(origin, whole, 50, 10);
      dripping.close();
      assert.equal(tally.failed, 0);
      return { sees: second200, lost: nothing, figure: `${tally.ok} of 50 answered` };
    },
  },
  {
    name: "backend breaks off in the middle of streams",
    async find({ first, second, gateway }) {
      first.always({ kind: "answer", cut: { at: { insideEvent: 4 }, manner: "reset" } });
      const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"));
      const { origin } = await gateway(yaml);
      const tally = await load(origin, streamed, 50, 1);
      const broken = tally.replies.filter(({ ending }) => ending === "broken");
      for (const { body } of broken) assert.match(body.toString(), /"code":"upstream_reset"/);
      assert.equal(tally.ok + broken.length, 50);
      assert.equal(broken.length, 3);
      return {
        sees: "an error event, then a broken connection; never a clean end",
        lost: "the rest of those streams",
        figure: `${broken.length} of 50 streams broken, then the backend is evicted: ${tally.ok} whole`,
      };
    },
  },
  {
    name: "backend sends half a body",
    async find({ first, second, gateway }) {
      first.always({ kind: "truncated" });
      const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"));
      const { origin } = await gateway(yaml);
      const tally = await load(origin, whole, 50, 1);
      assert.equal(tally.failed, 3);
      return {
        sees: "a broken connection; never a whole answer",
        lost: "the rest of those answers",
        figure: `${tally.failed} of 50 broken, then the backend is evicted: ${tally.ok} whole`,
      };
    },
  },
  {
    name: "429 storm at the first backend",
    async find({ first, second, gateway }) {
      first.always({ kind: "rateLimited", retryAfter: 60 });
      const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"));
      const { origin, measure } = await gateway(yaml);
      const tally = await load(origin, (turn) => (turn % 2 === 0 ? whole : streamed), 1_000, 50);
      assert.equal(tally.failed, 0);
      assert.ok(first.requests.length <= 50);
      const { coolDowns } = await measure();
      return {
        sees: second200,
        lost: nothing,
        figure: `${tally.ok} of 1,000 answered; first asked ${first.requests.length} times (50 at once), ${coolDowns} cool-down`,
      };
    },
  },
  {
    name: "429 storm at all backends",
    async find({ first, second, gateway }) {
      first.always({ kind: "rateLimited", retryAfter: 60 });
      second.always({ kind: "rateLimited", retryAfter: 30 });
      const yaml = firstThenSecond(provider(at(first), "first"), provider(at(second), "second"), {
        retry: { attempts: 5 },
      });
      const { origin } = await gateway(yaml);
      const tally = await load(origin, whole, 1_000, 50);
      for (const reply of tally.replies) {
        assert.equal(reply.status, 429);
        assert.equal(errorOf(reply)["code"], "rate_limit_exceeded");
        assert.ok(Number(reply.headers["retry-after"]) <= 30);
      }
      const asked = first.requests.length + second.requests.length;
      return {
        sees: "429 with the earliest `Retry-After` (30), at once",
        lost: "those requests, until then",
        figure: `${statuses(tally)}; backends asked ${asked} times for 1,000 requests (50 at once)`,
      };
    },
  },
  {
    name: "backend's certificate is not trusted",
    async find({ second, gateway }) {
      const authority = await makeAuthority();
      const secure = await startFoundry({
        accept: "any",
        certificate: await authority.serverCertificate(),
      });
      const tls = { backendAuth: { key: "any" }, backendTLS: {} };
      const yaml = firstThenSecond(
        provider(at(secure), "first", { policies: tls }),
        provider(at(second), "second"),
      );
      const { origin } = await gateway(yaml);
      const tally = await load(origin, whole, 50, 5);
      const sent = secure.requests.length;
      await secure.close();
      assert.deepEqual([tally.failed, sent], [0, 0]);
      return {
        sees: second200,
        lost: nothing,
        figure: `${tally.ok} of 50 answered; 0 requests and 0 credentials sent to the first`,
      };
    },
  },
  {
    name: "backend's name does not resolve",
    async find({ second, gateway }) {
      const yaml = firstThenSecond(
        provider("foundry.invalid:80", "first"),
        provider(at(second), "second"),
      );
      const { origin } = await gateway(yaml);
      const tally = await load(origin, whole, 50, 5);
      assert.equal(tally.failed, 0);
      return { sees: second200, lost: nothing, figure: `${tally.ok} of 50 answered` };
    },
  },
];

/** A server that answers every connection with these bytes, very slowly. */
async function drip(bytes: string) {
  const server = createServer(async (socket) => {
    socket.on("error", () => undefined);
    socket.resume();
    for (const byte of bytes) {
      if (socket.destroyed) return;
      socket.write(byte);
      await pause(20);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("no port");
  return { port: address.port, close: () => server.close() };
}
