// The threat: somebody without a key finds one, or learns of one from how the gateway behaves. Keys
// are kept and compared as hashes (the look-up's timing tells nothing: see api-key.ts), wrong ones
// are all answered alike, and no key is ever logged, sent upstream or shown in the effective config.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, afterEach, test } from "node:test";
import * as fc from "fast-check";
import { printEffective } from "../../../gateway/config/effective.ts";
import { loadConfig } from "../../../gateway/config/load.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat, errorOf } from "../caller.ts";
import { type WrittenRoute, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const key = randomBytes(32).toString("base64url");
const hashed = randomBytes(32).toString("base64url");
const keyHash = `sha256:${createHash("sha256").update(hashed).digest("hex").toUpperCase()}`.replace(
  "SHA256",
  "sha256",
);

type ApiKey = NonNullable<NonNullable<WrittenRoute["policies"]>["apiKey"]>;
const guarded = (change: Partial<ApiKey> = {}) =>
  routes({
    backends: [model(`localhost:${foundry.port}`)],
    policies: {
      backendAuth: { key: "any" },
      apiKey: {
        keys: [
          { key, metadata: { name: "team-a" } },
          { keyHash, metadata: { owner: "b" } },
        ],
        ...change,
      },
    },
  });
const ask = (origin: string, headers: Record<string, string>) =>
  call(origin, chat({ messages: [{ role: "user", content: "Hi" }] }, headers));

test("a key is taken in each header that clients use, as text and by its hash, and goes no further", async (t) => {
  const { origin, accessLog, logText } = await runGateway(t, guarded());
  const ways = [
    { authorization: `Bearer ${key}` },
    { authorization: `bearer  ${key}` },
    { "api-key": key },
    { "x-api-key": key },
    { "ocp-apim-subscription-key": key },
    { "api-key": hashed },
  ];
  for (const headers of ways) assert.equal((await ask(origin, headers)).status, 200);
  for (const { rawHeaders } of foundry.requests) {
    assert.ok(!rawHeaders.join("\n").includes(key));
    assert.ok(!rawHeaders.join("\n").includes(hashed));
  }
  const names = (await accessLog(ways.length)).map(({ caller }) => caller);
  assert.deepEqual(names, [
    ...Array.from({ length: 5 }, () => ({ key: "team-a" })),
    { key: "key1" },
  ]);
  assert.ok(!logText().includes(key) && !logText().includes(hashed));
});

test("whatever is wrong with a key, the answer is the same", async (t) => {
  const { origin, logText } = await runGateway(t, guarded());
  const wrong = [
    { authorization: "Bearer wrong" },
    { "api-key": key.slice(0, -1) },
    { "api-key": `${key}x` },
    { "api-key": key.toLowerCase() },
    { "x-api-key": createHash("sha256").update(key).digest("hex") },
    { "x-api-key": keyHash },
    { "api-key": `${key}, ${key}` },
    { "api-key": "x".repeat(4096) },
  ];
  for (const headers of wrong) {
    const reply = await ask(origin, headers);
    assert.equal(reply.status, 401);
    assert.deepEqual(errorOf(reply), {
      message: "The API key or token is not valid here.",
      type: "authentication_error",
      code: "invalid_api_key",
      param: null,
    });
    assert.match(
      reply.headers["www-authenticate"] ?? "",
      /^Bearer realm="foundry-gateway", error="invalid_token"/,
    );
  }
  assert.equal(foundry.connections.tcp, 0);
  assert.ok(!logText().includes(key.slice(0, -1)));
});

test("1,000 guesses of every kind: none opens, none reaches the backend", async (t) => {
  const { origin } = await runGateway(t, guarded());
  const visible = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 100,
  });
  const near = fc
    .tuple(fc.nat(key.length - 1), fc.integer({ min: 0x21, max: 0x7e }))
    .map(([at, code]) => key.slice(0, at) + String.fromCharCode(code) + key.slice(at + 1))
    .filter((guess) => guess !== key);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        "authorization",
        "api-key",
        "x-api-key",
        "ocp-apim-subscription-key",
        "cookie",
      ),
      fc.oneof(visible, near),
      async (header, guess) => {
        const value = header === "authorization" ? `Bearer ${guess}` : guess;
        assert.equal((await ask(origin, { [header]: value })).status, 401);
      },
    ),
    { numRuns: 1_000 },
  );
  assert.equal(foundry.connections.tcp, 0);
});

for (const [mode, none, wrong, right] of [
  ["strict", 401, 401, 200],
  ["optional", 200, 401, 200],
  ["permissive", 200, 200, 200],
] as const) {
  test(`mode ${mode}: ${none} without a key, ${wrong} with a wrong one, and the caller known with a right one`, async (t) => {
    const { origin, accessLog } = await runGateway(t, guarded({ mode }));
    assert.equal((await ask(origin, {})).status, none);
    assert.equal((await ask(origin, { "api-key": "wrong" })).status, wrong);
    assert.equal((await ask(origin, { "api-key": key })).status, right);
    const callers = (await accessLog(3)).map(({ caller }) => caller);
    assert.deepEqual(callers, [undefined, undefined, { key: "team-a" }]);
  });
}

test("a location of one's own is the only one", async (t) => {
  const location = { header: { name: "X-Team-Key", prefix: "Key " } };
  const { origin } = await runGateway(t, guarded({ location }));
  assert.equal((await ask(origin, { "x-team-key": `Key ${key}` })).status, 200);
  assert.equal(foundry.requests[0]?.headers["x-team-key"], undefined);
  for (const headers of [
    { "x-team-key": key },
    { "api-key": key },
    { authorization: `Bearer ${key}` },
  ]) {
    assert.equal((await ask(origin, headers)).status, 401);
  }
});

test("a listener's keys guard all its routes; a route's own take their place", async (t) => {
  const backends = [model(`localhost:${foundry.port}`)];
  const { origin } = await runGateway(
    t,
    JSON.stringify({
      binds: [
        {
          port: 3000,
          listeners: [
            {
              policies: {
                apiKey: { keys: [{ key: "of-the-listener" }] },
                backendAuth: { key: "any" },
              },
              routes: [
                { backends },
                {
                  matches: [{ path: { pathPrefix: "/own" } }],
                  policies: { apiKey: { keys: [{ key: "of-the-route" }] } },
                  backends,
                },
              ],
            },
          ],
        },
      ],
    }),
  );
  const at = (path: string, used: string) =>
    call(origin, { ...chat({ messages: [] }, { "api-key": used }), path });
  assert.notEqual((await at("/v1/chat/completions", "of-the-listener")).status, 401);
  assert.equal((await at("/v1/chat/completions", "of-the-route")).status, 401);
  assert.notEqual((await at("/own/chat/completions", "of-the-route")).status, 401);
  assert.equal((await at("/own/chat/completions", "of-the-listener")).status, 401);
});

test("the effective configuration shows no key", () => {
  const loaded = loadConfig(guarded(), { env: {}, readFile: () => "" });
  if ("problems" in loaded) return assert.fail(JSON.stringify(loaded.problems));
  const shown = printEffective(loaded.config);
  assert.ok(!shown.includes(key) && !shown.includes("any\n"));
});
