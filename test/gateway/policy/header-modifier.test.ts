// Headers the config takes away, sets and adds, on the way up and on the way back.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import * as fc from "fast-check";
import { applyEdits } from "../../../gateway/request/header-edits.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call } from "../caller.ts";
import { routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

test("removal comes first, then set, then add, whatever the spelling", () => {
  const list = ["A", "1", "X-Gone", "2", "x-set", "3", "X-SET", "4", "x-more", "5"];
  const edits = {
    add: [["x-more", "6"]],
    set: [["x-set", "7"]],
    remove: ["x-gone", "x-absent"],
  } as const;
  assert.deepEqual(applyEdits(list, [edits]), [
    "A",
    "1",
    "x-more",
    "5",
    "x-set",
    "7",
    "x-more",
    "6",
  ]);
});

test("500 random lists and edits: what is removed is gone, what is set is there once, the rest stays", () => {
  const name = fc.constantFrom("a", "B", "b", "c", "x-D", "__proto__");
  const field = fc.tuple(name, fc.string());
  fc.assert(
    fc.property(
      fc.array(field),
      fc.array(field),
      fc.array(field),
      fc.array(name),
      (list, add, set, remove) => {
        const lower = (fields: typeof list) =>
          fields.map(([key, value]) => [key.toLowerCase(), value] as const);
        const unique = [...new Map(lower(set))];
        const edits = {
          add: lower(add),
          set: unique,
          remove: remove.map((key) => key.toLowerCase()),
        };
        const edited = applyEdits(list.flat(), [edits]);
        const names = edited.filter((_, at) => at % 2 === 0).map((key) => key.toLowerCase());
        for (const [key] of unique) {
          const added = edits.add.filter(([other]) => other === key).length;
          assert.equal(names.filter((other) => other === key).length, 1 + added);
        }
        for (const key of edits.remove) {
          const back = [...edits.add, ...unique].filter(([other]) => other === key).length;
          assert.equal(names.filter((other) => other === key).length, back);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("both directions are edited, the gateway's own refusals included; its credential is not", async (t) => {
  const { origin } = await runGateway(
    t,
    routes({
      backends: [{ host: `localhost:${foundry.port}` }],
      policies: {
        apiKey: { keys: [{ key: "k" }] },
        backendAuth: { key: "any" },
        requestHeaderModifier: {
          set: { "X-Tenant": "red" },
          add: { via: "gateway" },
          remove: ["x-debug", "authorization"],
        },
        responseHeaderModifier: { set: { "cache-control": "no-store" }, remove: ["server"] },
      },
    }),
  );
  foundry.next({
    kind: "status",
    status: 200,
    headers: { server: "iis", "cache-control": "public" },
  });
  const sent = { "api-key": "k", "x-tenant": "blue", "x-debug": "1", via: "client" };
  const { headers } = await call(origin, { path: "/v1/x", headers: sent });
  const received = foundry.requests[0]?.headers;
  assert.equal(received?.["x-tenant"], "red");
  assert.equal(received?.via, "client, gateway");
  assert.equal(received?.["x-debug"], undefined);
  assert.equal(received?.authorization, "Bearer any");
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers.server, undefined);
});
