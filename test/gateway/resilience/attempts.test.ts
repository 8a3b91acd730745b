// `attempts` is what it says: tries beyond the first (agentgateway, issue 5). Every row is counted at
// the backends themselves.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { call } from "../caller.ts";
import { runGateway } from "../running-gateway.ts";
import { counts, inGroups, question, startFoundries } from "./backends.ts";

const foundries = await startFoundries(3);
beforeEach(() => foundries.forEach((foundry) => foundry.reset()));
after(() => Promise.all(foundries.map((foundry) => foundry.close())));

const table: readonly (readonly [
  backends: number,
  attempts: number | undefined,
  tries: readonly number[],
])[] = [
  [1, undefined, [1]],
  [1, 0, [1]],
  [1, 1, [2]],
  [1, 2, [3]],
  [1, 5, [6]],
  [2, undefined, [1, 1]],
  [2, 0, [1, 0]],
  [2, 1, [1, 1]],
  [2, 2, [2, 1]],
  [2, 3, [2, 2]],
  [3, undefined, [1, 1, 1]],
  [3, 0, [1, 0, 0]],
  [3, 1, [1, 1, 0]],
  [3, 2, [1, 1, 1]],
  [3, 4, [2, 2, 1]],
];

for (const [backends, attempts, expected] of table) {
  for (const failure of ["500", "reset"] as const) {
    const policies =
      attempts === undefined ? {} : { retry: { attempts, backoff: "1ms", codes: [500] } };
    test(`${backends} backends, attempts ${attempts ?? "not given"}, all failing with ${failure}: tried ${expected.join(" + ")} times`, async (t) => {
      const used = foundries.slice(0, backends);
      for (const foundry of used) {
        foundry.always(
          failure === "500"
            ? { kind: "status", status: 500 }
            : { kind: "noAnswer", manner: "reset" },
        );
      }
      const { origin, accessLog, gateway } = await runGateway(t, inGroups(used, policies));
      const reply = await call(origin, question);
      assert.equal(reply.status, failure === "500" ? 500 : 502);
      assert.deepEqual(counts(used), expected);
      const total = expected.reduce((sum, count) => sum + count, 0);
      const [line] = await accessLog(1);
      assert.equal(line?.["attempts"], total);
      const { tries = [] }: { tries?: unknown[] } = { ...line };
      assert.equal(tries.length, total - 1);
      assert.equal(gateway.counts().retries, total - 1);
    });
  }
}

test("retry without attempts tries each backend, and a single one twice", async (t) => {
  for (const foundry of foundries) foundry.always({ kind: "status", status: 503 });
  const policies = { retry: { backoff: "1ms" } };
  const three = await runGateway(t, inGroups(foundries, policies));
  await call(three.origin, question);
  assert.deepEqual(counts(foundries), [1, 1, 1]);
  const one = await runGateway(t, inGroups(foundries.slice(0, 1), policies));
  await call(one.origin, question);
  assert.deepEqual(counts(foundries), [3, 1, 1]);
});

test("codes narrow what is retried", async (t) => {
  const policies = { retry: { attempts: 1, codes: [429], backoff: "1ms" } };
  const { origin } = await runGateway(t, inGroups(foundries.slice(0, 2), policies));
  foundries[0]?.always({ kind: "status", status: 503 });
  assert.equal((await call(origin, question)).status, 503);
  assert.deepEqual(counts(foundries), [1, 0, 0]);
});

test("a retry that would come after the request's own time limit is not waited for", async (t) => {
  const policies = {
    retry: { attempts: 3, backoff: "60s" },
    timeout: { requestTimeout: "30s" },
  };
  const { origin } = await runGateway(t, inGroups(foundries.slice(0, 1), policies));
  foundries[0]?.always({ kind: "status", status: 500 });
  assert.equal((await call(origin, question)).status, 500);
  assert.deepEqual(counts(foundries), [1, 0, 0]);
});
