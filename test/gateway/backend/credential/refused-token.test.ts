// The threat: a token that Azure no longer takes is sent for the rest of its hour (pitfall 7), or,
// the other way round, a backend that refuses everything makes a storm of identity calls and takes
// other backends' token away. Through the whole gateway, over sockets.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startFoundry } from "../../../stand-in/foundry.ts";
import { call } from "../../caller.ts";
import { model, routes, systemAssigned } from "../../configuration.ts";
import { runGateway } from "../../running-gateway.ts";
import { askWhilePassing, chance, question, quiet, scope, startKeyless } from "./keyless.ts";

const azure = await startKeyless();
const { clock, foundry, identity, tokens, config } = azure;
const roleless = await startFoundry({ tokens });
const options = { clock, random: chance };
beforeEach(async () => {
  await azure.reset();
  roleless.reset();
});
after(async () => {
  await azure.close();
  await roleless.close();
});

const policies = { backendAuth: { azure: { ...systemAssigned.azure, scope } } };
const twoBackends = routes(
  {
    matches: [{ path: { pathPrefix: "/roleless" } }],
    backends: [model(`localhost:${roleless.port}`, { pathOverride: "/v1/chat/completions" })],
    policies,
  },
  { backends: [model(`localhost:${foundry.port}`)], policies },
);

test("a 401 makes 1 identity call and 1 more try, and the caller sees the answer alone", async (t) => {
  const { origin, accessLog } = await runGateway(t, config, options);
  assert.equal((await call(origin, question)).status, 200);
  tokens.revoke();
  const reply = await call(origin, question);
  assert.equal(reply.status, 200);
  assert.equal(identity.calls.length, 2);
  assert.deepEqual(
    foundry.requests.map(({ token }) => token?.token),
    [0, 0, 1].map((index) => identity.calls[index]?.token?.token),
  );
  assert.equal(foundry.requests[2]?.body.toString(), foundry.requests[1]?.body.toString());
  assert.equal((await accessLog(2))[1]?.["attempts"], 2);
});

test("300 requests whose token was revoked make 1 identity call, and all succeed", async (t) => {
  const { origin } = await runGateway(t, config, options);
  assert.equal((await call(origin, question)).status, 200);
  tokens.revoke();
  const replies = await Promise.all(Array.from({ length: 300 }, () => call(origin, question)));
  assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200]);
  assert.equal(identity.calls.length, 2);
});

test("when everything is refused the 401 goes to the caller, without a storm of any kind", async (t) => {
  foundry.always({ kind: "unauthorized" });
  const { origin } = await runGateway(t, config, options);
  await quiet(clock);
  let refused = 0;
  for (let at = 0; at < 60; at += 1) {
    const replies = await Promise.all([call(origin, question), call(origin, question)]);
    for (const { status, body } of replies) {
      if (status === 401 && body.includes("Access token is missing")) refused += 1;
    }
    await clock.pass(1_000);
    await quiet(clock);
  }
  assert.equal(refused, 120);
  // The start's, and one for each half minute.
  assert.equal(identity.calls.length, 3);
  // Each renewal was waited for by the two requests of its moment, at most.
  assert.ok(foundry.requests.length <= 124, String(foundry.requests.length));
  t.diagnostic(`120 requests in a minute, 3 identity calls, ${foundry.requests.length} sent`);
});

test("a backend that refuses costs another with the same credential nothing, even in an outage", async (t) => {
  roleless.always({ kind: "unauthorized" });
  const { origin } = await runGateway(t, twoBackends, options);
  assert.equal((await call(origin, question)).status, 200);
  identity.always({ kind: "outage" });
  const statuses: number[] = [];
  for (let at = 0; at < 40; at += 1) {
    const refused = askWhilePassing(origin, clock, { ...question, path: "/roleless" });
    statuses.push((await call(origin, question)).status);
    assert.ok([401, 502].includes((await refused).status));
    await clock.pass(5_000);
    await quiet(clock);
  }
  assert.deepEqual([...new Set(statuses)], [200]);
});

test("an upload too large to keep cannot be sent again: its 401 passes, and the next has a new token", async (t) => {
  const host = routes({ backends: [{ host: `localhost:${foundry.port}` }], policies });
  const { origin } = await runGateway(t, host, options);
  const upload = {
    method: "POST",
    path: "/contentsafety/image:analyze",
    body: Buffer.alloc(1024 * 1024 + 1),
  };
  await call(origin, upload);
  tokens.revoke();
  assert.equal((await call(origin, upload)).status, 401);
  await quiet(clock);
  assert.equal(identity.calls.length, 2);
  assert.notEqual((await call(origin, upload)).status, 401);
  assert.equal(foundry.requests.length, 3);
});
