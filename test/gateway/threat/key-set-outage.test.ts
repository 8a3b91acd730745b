// The threat: whoever stops the gateway from fetching its issuer's keys, or makes it fetch them all
// the time, decides who may call. An outage is waited out with the keys that are known, for a day; a
// new key is found when it is first used; unknown keys cost one fetch each half minute, whoever sends
// how many; and without any keys nobody passes.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { type TestContext, after, afterEach, test } from "node:test";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, errorOf } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { hour, minute, second, standingClock } from "../policy/standing-clock.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const start = Date.now();
type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
const pairs = new Map<string, Pair>();
for (const kid of ["one", "two"]) pairs.set(kid, await generateKeyPair("RS256"));

async function token(kid: string, signer = kid): Promise<string> {
  const pair = pairs.get(signer);
  if (pair === undefined) throw new TypeError(`no key ${signer}`);
  const at = Math.floor(start / 1000);
  return new SignJWT({ sub: "caller", exp: at + 7 * 24 * 3600 })
    .setProtectedHeader({ alg: "RS256", kid })
    .setIssuer("https://issuer.example")
    .setAudience("gateway")
    .sign(pair.privateKey);
}

async function setOf(...kids: readonly string[]): Promise<string> {
  const keys = await Promise.all(
    kids.map(async (kid) => {
      const pair = pairs.get(kid);
      if (pair === undefined) throw new TypeError(`no key ${kid}`);
      return { ...(await exportJWK(pair.publicKey)), kid };
    }),
  );
  return JSON.stringify({ keys });
}

/** An issuer of key sets, and a gateway that trusts it, on a clock of its own. */
async function setUp(t: TestContext, body: string) {
  const issuer = {
    body,
    status: 200,
    location: undefined as string | undefined,
    fetches: 0,
    hold: Promise.resolve(),
  };
  const server = createServer(async (_, response) => {
    issuer.fetches += 1;
    await issuer.hold;
    const headers = issuer.location === undefined ? {} : { location: issuer.location };
    response.writeHead(issuer.status, { "content-type": "application/json", ...headers });
    response.end(issuer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const clock = standingClock(start);
  const gateway = await runGateway(
    t,
    routes({
      backends: [model(`localhost:${foundry.port}`)],
      policies: {
        backendAuth: { key: "any" },
        jwtAuth: {
          issuer: "https://issuer.example",
          audiences: ["gateway"],
          jwks: { url: `http://127.0.0.1:${port}/keys` },
        },
      },
    }),
    { clock },
  );
  const send = async (jwt: string) => {
    const ask = chat(
      { messages: [{ role: "user", content: "Hi" }] },
      { authorization: `Bearer ${jwt}` },
    );
    return call(gateway.origin, ask);
  };
  return { issuer, clock, send, ...gateway };
}

test("100 callers at once make one fetch", async (t) => {
  const { issuer, send } = await setUp(t, await setOf("one"));
  const jwt = await token("one");
  const replies = await Promise.all(Array.from({ length: 100 }, () => send(jwt)));
  assert.ok(replies.every(({ status }) => status === 200));
  assert.equal(issuer.fetches, 1);
});

test("without keys nobody passes: 503, the reason in the log, and one try each second", async (t) => {
  const { issuer, clock, send, logText } = await setUp(t, await setOf("one"));
  issuer.status = 500;
  const jwt = await token("one");
  for (let at = 0; at < 5; at += 1) {
    const reply = await send(jwt);
    assert.equal(reply.status, 503);
    assert.equal(errorOf(reply)["code"], "authentication_unavailable");
    assert.equal(reply.headers["retry-after"], "5");
  }
  assert.equal(issuer.fetches, 1);
  assert.equal(foundry.connections.tcp, 0);
  assert.match(logText(), /the key set's URL answered 500/);
  issuer.status = 200;
  clock.pass(second);
  assert.equal((await send(jwt)).status, 200);
});

test("an outage of hours goes unnoticed; after a day the old keys are no longer taken", async (t) => {
  const { issuer, clock, send } = await setUp(t, await setOf("one"));
  const jwt = await token("one");
  assert.equal((await send(jwt)).status, 200);
  issuer.status = 500;
  for (const pause of [11 * minute, hour, 22 * hour]) {
    clock.pass(pause);
    assert.equal((await send(jwt)).status, 200);
  }
  clock.pass(hour);
  assert.equal((await send(jwt)).status, 503);
  issuer.status = 200;
  clock.pass(second);
  assert.equal((await send(jwt)).status, 200);
});

test("a new key is found when it is first used, and all who wait for it pass", async (t) => {
  const { issuer, clock, send } = await setUp(t, await setOf("one"));
  assert.equal((await send(await token("one"))).status, 200);
  issuer.body = await setOf("two", "one");
  clock.pass(31 * second);
  const held = Promise.withResolvers<void>();
  issuer.hold = held.promise;
  const jwt = await token("two");
  const waiting = Array.from({ length: 20 }, () => send(jwt));
  while (issuer.fetches < 2) await new Promise((resolve) => setImmediate(resolve));
  held.resolve();
  for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
  assert.equal(issuer.fetches, 2);
});

test("a key that is withdrawn is refused within a minute after the set has been fetched anew", async (t) => {
  const { issuer, clock, send } = await setUp(t, await setOf("one", "two"));
  const jwt = await token("one");
  assert.equal((await send(jwt)).status, 200);
  issuer.body = await setOf("two");
  clock.pass(11 * minute);
  // The old set serves while the new one is fetched.
  assert.equal((await send(jwt)).status, 200);
  const fetched = clock.now();
  while ((await send(jwt)).status === 200) clock.pass(second);
  assert.ok(clock.now() - fetched <= minute);
  assert.equal((await send(jwt)).status, 401);
});

test("200 tokens with unknown keys within a cool-down make no fetch", async (t) => {
  const { issuer, clock, send } = await setUp(t, await setOf("one"));
  assert.equal((await send(await token("one"))).status, 200);
  clock.pass(29 * second);
  for (let at = 0; at < 200; at += 50) {
    const batch = Array.from({ length: 50 }, async (_, index) =>
      send(await token(`k${at + index}`, "two")),
    );
    for (const { status } of await Promise.all(batch)) assert.equal(status, 401);
  }
  assert.equal(issuer.fetches, 1);
  clock.pass(second);
  const unknown = await token("unknown", "two");
  await Promise.all(Array.from({ length: 50 }, () => send(unknown)));
  assert.equal(issuer.fetches, 2);
  assert.equal(foundry.requests.length, 1);
});

for (const { name, change } of [
  { name: "no JSON", change: { body: "<html>" } },
  { name: "no key set", change: { body: '{"keys":5}' } },
  { name: "a set without end", change: { body: `{"keys":[],"x":"${"x".repeat(2 ** 20)}"}` } },
  { name: "a redirect", change: { status: 302, location: "https://evil.example/keys" } },
  {
    name: "a key too weak to use",
    change: { body: '{"keys":[{"kty":"RSA","kid":"one","n":"AQAB","e":"AQAB"}]}' },
  },
]) {
  test(`an issuer that answers with ${name} lets nobody pass`, async (t) => {
    const { issuer, send } = await setUp(t, await setOf("one"));
    Object.assign(issuer, change);
    assert.equal((await send(await token("one"))).status, 503);
    assert.equal(foundry.connections.tcp, 0);
  });
}
