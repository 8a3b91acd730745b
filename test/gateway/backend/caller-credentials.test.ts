// The threat: a caller's own credential travels upstream next to the gateway's. Azure takes an
// `api-key` before a bearer token, so a caller could act as somebody else, or leak its key to a
// backend; and a gateway whose own credential is missing would send the request anonymously, or as
// `Bearer undefined` (pitfalls 3, 6). One caller's headers must never reach the next one's request,
// as they do through express-http-proxy's `headers` option (pitfall 23).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { type Clock, systemClock } from "../../../gateway/clock.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { startIdentityEndpoint } from "../../stand-in/identity-endpoint.ts";
import { createTokens } from "../../stand-in/tokens.ts";
import { type Call, call, chat, errorOf } from "../caller.ts";
import { type WrittenBackend, model, routes, systemAssigned } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const tokens = createTokens();
const foundry = await startFoundry({ tokens, apiKeys: ["the-key"] });
const identity = await startIdentityEndpoint({
  tokens,
  systemAssigned: { name: "gateway", clientId: "c", objectId: "o" },
});
// The identity library reads the environment of the process.
Object.assign(process.env, identity.environment);
beforeEach(() => {
  foundry.reset();
  identity.reset();
});
after(async () => {
  await foundry.close();
  await identity.close();
});

type Auth = NonNullable<NonNullable<WrittenBackend["policies"]>["backendAuth"]>;

/** A hundred times as fast: the deadline of a token is seconds away. */
const hurried: Clock = {
  now: systemClock.now,
  after: (milliseconds, work) => systemClock.after(milliseconds / 100, work),
};

const callers = {
  authorization: "Bearer callers-token",
  "Api-Key": "callers-key",
  "x-api-key": "callers-other-key",
  "Ocp-Apim-Subscription-Key": "callers-subscription",
  cookie: "session=callers-cookie",
  "proxy-authorization": "Basic Y2FsbGVycw==",
  "x-custom": "kept",
};
const credentials = [
  "authorization",
  "api-key",
  "x-api-key",
  "ocp-apim-subscription-key",
  "cookie",
  "proxy-authorization",
] as const;

const traffics: readonly { readonly kind: string; backend: WrittenBackend; asked: Call }[] = [
  {
    kind: "an AI backend",
    backend: model(`localhost:${foundry.port}`),
    asked: chat({ messages: [{ role: "user", content: "Hi" }] }, callers),
  },
  {
    kind: "a host backend",
    backend: { host: `localhost:${foundry.port}` },
    asked: { method: "POST", path: "/contentsafety/text:analyze", headers: callers, body: "{}" },
  },
];

const auths: readonly { name: string; auth?: Auth; sent: Readonly<Record<string, RegExp>> }[] = [
  {
    name: "azure",
    auth: systemAssigned,
    sent: { authorization: /^Bearer stand-in-token-/ },
  },
  { name: "a key", auth: { key: "the-key" }, sent: { authorization: /^Bearer the-key$/ } },
  {
    name: "a key as a value",
    auth: { key: { value: "the-key" } },
    sent: { authorization: /^Bearer the-key$/ },
  },
  {
    name: "a key from a file",
    auth: { key: { file: "key.txt", location: { header: { name: "api-key" } } } },
    sent: { "api-key": /^the-key$/ },
  },
  {
    name: "a key in a header with a prefix",
    auth: { key: { value: "the-key", location: { header: { name: "X-Custom", prefix: "Key " } } } },
    sent: { "x-custom": /^Key the-key$/ },
  },
  { name: "no backendAuth", sent: {} },
];

for (const { kind, backend, asked } of traffics) {
  for (const { name, auth, sent } of auths) {
    test(`${kind} with ${name} sees that credential and none of the caller's`, async (t) => {
      const { origin } = await runGateway(
        t,
        routes({ backends: [{ ...backend, policies: { backendAuth: auth } }] }),
        { files: { "key.txt": "the-key\n" } },
      );
      await call(origin, asked);
      assert.equal(foundry.requests.length, 1);
      const { rawHeaders = [] } = foundry.requests[0] ?? {};
      const of = (wanted: string) =>
        rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === wanted);
      for (const credential of [...credentials, "x-custom"]) {
        const pattern = sent[credential] ?? (credential === "x-custom" ? /^kept$/ : undefined);
        const values = of(credential);
        assert.equal(values.length, pattern === undefined ? 0 : 1, credential);
        if (pattern !== undefined) assert.match(values[0] ?? "", pattern);
      }
      assert.doesNotMatch(rawHeaders.join("\n"), /callers|Y2FsbGVycw/);
    });
  }

  test(`${kind} with passthrough sees the caller's credential, but no cookie`, async (t) => {
    const { origin } = await runGateway(
      t,
      routes({ backends: [{ ...backend, policies: { backendAuth: { passthrough: {} } } }] }),
    );
    await call(origin, asked);
    const { headers = {} } = foundry.requests[0] ?? {};
    assert.equal(headers.authorization, "Bearer callers-token");
    assert.equal(headers["api-key"], "callers-key");
    assert.equal(headers.cookie, undefined);
    assert.equal(headers["proxy-authorization"], undefined);
  });

  test(`${kind} sees nothing at all while the token cannot be had`, async (t) => {
    identity.always({ kind: "outage" });
    const { origin, logText } = await runGateway(
      t,
      routes({ backends: [{ ...backend, policies: { backendAuth: systemAssigned } }] }),
      { clock: hurried },
    );
    const reply = await call(origin, asked);
    assert.equal(reply.status, 502);
    const { message, type, code } = errorOf(reply);
    assert.deepEqual(
      [message, type, code],
      ["The gateway could not authenticate to the backend.", "api_error", "credential_unavailable"],
    );
    assert.ok(reply.headers["x-request-id"]);
    assert.equal(foundry.connections.tcp, 0);
    assert.doesNotMatch(logText(), /callers/);
  });

  test(`${kind}: the second caller's request has nothing of the first one's`, async (t) => {
    const { origin } = await runGateway(
      t,
      routes({ backends: [{ ...backend, policies: { backendAuth: { passthrough: {} } } }] }),
    );
    await call(origin, { ...asked, headers: { ...asked.headers, "x-only-first": "1" } });
    await call(origin, {
      ...asked,
      headers: { "content-type": "application/json", "x-only-second": "2" },
    });
    await call(origin, asked);
    const [, second, third] = foundry.requests;
    assert.deepEqual(Object.keys(second?.headers ?? {}).toSorted(), [
      ...(kind === "an AI backend" ? ["accept-encoding"] : []),
      "connection",
      "content-length",
      "content-type",
      "host",
      "x-only-second",
      "x-request-id",
    ]);
    assert.equal(third?.headers["x-only-second"], undefined);
    assert.equal(third?.headers["x-only-first"], undefined);
  });
}

const authenticated = (name: string, backendAuth: Auth) =>
  model(`localhost:${foundry.port}`, { name, policies: { backendAuth } });

test("two backends of one route each get their own credential, and never the other's", async (t) => {
  const draws = [0.1, 0.9, 0.1, 0.9];
  const { origin, logged, accessLog } = await runGateway(
    t,
    routes({
      backends: [
        authenticated("keyed", {
          key: { value: "the-key", location: { header: { name: "api-key" } } },
        }),
        authenticated("keyless", systemAssigned),
      ],
    }),
    { random: () => draws.shift() ?? 0.5 },
  );
  const ask = () => call(origin, chat({ messages: [{ role: "user", content: "Hi" }] }, callers));
  for (let turn = 0; turn < 4; turn += 1) assert.equal((await ask()).status, 200);
  await accessLog(4);
  const names = logged().flatMap(({ backend: name }) => (name === undefined ? [] : [name]));
  assert.ok(names.includes("keyed") && names.includes("keyless"));
  for (const [index, name] of names.entries()) {
    const headers = foundry.requests[index]?.headers ?? {};
    assert.equal(headers["api-key"], name === "keyed" ? "the-key" : undefined);
    assert.equal(headers.authorization === undefined, name === "keyed");
  }
});
