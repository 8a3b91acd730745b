// The threat: a token that was not made for this gateway, or not by the issuer, opens it. Signatures
// are checked with the issuer's public keys alone, by algorithms that need a private key to sign;
// issuer, audience and time hold; whatever is wrong ends in 401 and the backend sees nothing.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { after, afterEach, test } from "node:test";
import * as fc from "fast-check";
import { CompactSign, SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from "jose";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type Reply, call, chat, errorOf } from "../caller.ts";
import { type WrittenRoute, model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";

const foundry = await startFoundry({ accept: "any" });
afterEach(() => foundry.reset());
after(() => foundry.close());

const issuer = "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/v2.0";
const audience = "api://gateway";
const kid = "key-1";
const signing = await generateKeyPair("RS256", { extractable: true });
const other = await generateKeyPair("RS256", { extractable: true });
const ec = await generateKeyPair("ES256", { extractable: true });
const published = { ...(await exportJWK(signing.publicKey)), kid, use: "sig" };
const jwks = { inline: JSON.stringify({ keys: [published] }) };

type JwtAuth = NonNullable<NonNullable<WrittenRoute["policies"]>["jwtAuth"]>;
const guarded = (change: Partial<JwtAuth> = {}, more: WrittenRoute["policies"] = {}) =>
  routes({
    backends: [model(`localhost:${foundry.port}`)],
    policies: {
      backendAuth: { key: "any" },
      jwtAuth: { issuer, audiences: [audience], jwks, ...change },
      ...more,
    },
  });

const now = Math.floor(Date.now() / 1000);
const claims = {
  iss: issuer,
  aud: audience,
  sub: "00000000-0000-0000-0000-00000000000a",
  azp: "00000000-0000-0000-0000-00000000000b",
  iat: now,
  nbf: now - 10,
  exp: now + 3600,
};
const sign = (change: object = {}, header: object = {}, key = signing.privateKey, alg = "RS256") =>
  new SignJWT({ ...claims, ...change })
    .setProtectedHeader({ typ: "JWT", kid, ...header, alg })
    .sign(key);
const send = (origin: string, token: string): Promise<Reply> =>
  call(
    origin,
    chat({ messages: [{ role: "user", content: "Hi" }] }, { authorization: `Bearer ${token}` }),
  );

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const hmac = (header: object, secret: string | Buffer) => {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
};

test("a good token opens, does not reach the backend, and names its caller in the log", async (t) => {
  const { origin, accessLog, logText } = await runGateway(t, guarded());
  const token = await sign();
  assert.equal((await send(origin, token)).status, 200);
  assert.equal(foundry.requests[0]?.headers.authorization, "Bearer any");
  const [line] = await accessLog(1);
  assert.deepEqual(line?.["caller"], { subject: claims.sub, application: claims.azp });
  assert.ok(!logText().includes(token.split(".")[2] ?? ""));
});

const forged: Readonly<Record<string, string | Promise<string>>> = {
  "alg none": new UnsecuredJWT(claims).encode(),
  "alg none with a kid": `${base64url({ alg: "none", kid })}.${base64url(claims)}.`,
  "alg None in another case": `${base64url({ alg: "nOnE", kid })}.${base64url(claims)}.`,
  "alg none over a good signature": sign().then((good) => {
    const [, payload, signature] = good.split(".");
    return `${base64url({ alg: "none", kid })}.${payload}.${signature}`;
  }),
  "no alg": `${base64url({ kid })}.${base64url(claims)}.AAAA`,
  "HS256 signed with the public key in PEM": exportSPKI(signing.publicKey).then((pem) =>
    hmac({ alg: "HS256", kid }, pem),
  ),
  "HS256 signed with the public modulus": hmac(
    { alg: "HS256", kid },
    Buffer.from(published.n ?? "", "base64url"),
  ),
  "HS256 signed with nothing": hmac({ alg: "HS256", kid }, ""),
  "another key under the known kid": sign({}, {}, other.privateKey),
  "another key with its own kid": sign({}, { kid: "key-2" }, other.privateKey),
  "another key brought along in jwk": exportJWK(other.publicKey).then((jwk) =>
    sign({}, { jwk, kid: undefined }, other.privateKey),
  ),
  "another key pointed to by jku": sign({}, { jku: "https://evil.example/keys" }, other.privateKey),
  "another key in x5c": sign({}, { x5c: ["MIIB"] }, other.privateKey),
  "a kid that is a path": sign({}, { kid: "../../../dev/null" }, other.privateKey),
  "a kid that is a prototype": sign({}, { kid: "__proto__" }, other.privateKey),
  "an elliptic key under an RSA kid": sign({}, {}, ec.privateKey, "ES256"),
  "an unknown critical header": new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "RS256", kid, crit: ["b64"], b64: true })
    .sign(signing.privateKey)
    .then((token) => token.replace(/^[^.]+/, base64url({ alg: "RS256", kid, crit: ["x"], x: 1 }))),
  "another audience": sign({ aud: "api://other" }),
  "an audience that only begins alike": sign({ aud: `${audience}.evil` }),
  "no audience": sign({ aud: undefined }),
  "another issuer": sign({ iss: issuer.replace("1111", "2222") }),
  "an issuer with a slash more": sign({ iss: `${issuer}/` }),
  "no issuer": sign({ iss: undefined }),
  "expired beyond the clocks' difference": sign({ exp: now - 61 }),
  "no expiry": sign({ exp: undefined }),
  "an expiry that is text": sign({ exp: String(now + 60) }),
  "not valid yet": sign({ nbf: now + 120 }),
  "claims that are no object": new CompactSign(Buffer.from('"sub"'))
    .setProtectedHeader({ alg: "RS256", kid })
    .sign(signing.privateKey),
  "two parts": sign().then((good) => good.split(".").slice(0, 2).join(".")),
  "four parts": sign().then((good) => `${good}.AAAA`),
  "no signature": sign().then((good) => good.replace(/[^.]+$/, "")),
  "another's signature": Promise.all([sign(), sign({ sub: "x" })]).then(([one, two]) =>
    [...two.split(".").slice(0, 2), one.split(".")[2]].join("."),
  ),
  "a megabyte cut to the head's limit": "e".repeat(20_000),
  "a token in quotes": sign().then((good) => `"${good}"`),
  "two tokens": sign().then((good) => `${good},${good}`),
  "no JWT": "sk-something",
};

test(`${Object.keys(forged).length} forgeries: each is a 401 with a challenge, none reaches the backend`, async (t) => {
  const { origin, logText } = await runGateway(t, guarded());
  for (const [name, token] of Object.entries(forged)) {
    const reply = await send(origin, await token);
    assert.equal(reply.status, 401, name);
    assert.match(
      reply.headers["www-authenticate"] ?? "",
      /^Bearer realm="foundry-gateway", error="invalid_token", error_description="[^"\\]+"$/,
    );
    assert.equal(errorOf(reply)["code"], "invalid_api_key", name);
  }
  assert.equal(foundry.connections.tcp, 0);
  assert.doesNotMatch(logText(), /eyJ/, "no token in the log");
});

test("500 tokens with one character changed: none opens, unless it says the very same", async (t) => {
  const { origin } = await runGateway(t, guarded());
  const good = await sign();
  let refused = 0;
  let same = 0;
  // Visible ASCII: what else no header can carry.
  const character = fc.integer({ min: 0x21, max: 0x7e });
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), character, async (at, code) => {
      const token = good.slice(0, at) + String.fromCharCode(code) + good.slice(at + 1);
      const { status } = await send(origin, token);
      if (meansTheSame(token, good)) {
        same += 1;
        return;
      }
      assert.equal(status, 401, `${at} ${code}`);
      refused += 1;
    }),
    { numRuns: 500 },
  );
  t.diagnostic(`${refused} changed tokens refused; ${same} meant the same`);
  assert.ok(refused > 400);
  assert.ok(foundry.requests.length <= same);
});

// The last character of a part may have bits that stand for nothing.
function meansTheSame(one: string, two: string): boolean {
  return meaning(one) === meaning(two);
}

function meaning(token: string): string {
  const parts = token.split(".");
  return parts.map((part) => Buffer.from(part, "base64url").toString("hex")).join(".");
}

test("300 random texts as Authorization: nothing crashes, nothing passes", async (t) => {
  const { origin, logText } = await runGateway(t, guarded());
  const text = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        text,
        text.map((random) => `Bearer ${random}`),
        fc.tuple(text, text, text).map((parts) => `Bearer ${parts.join(".")}`),
      ),
      async (authorization) => {
        const { status } = await call(origin, chat({ messages: [] }, { authorization }));
        assert.equal(status, 401);
      },
    ),
    { numRuns: 300 },
  );
  assert.equal(foundry.connections.tcp, 0);
  assert.doesNotMatch(logText(), /request failed/);
});

test("without any token the challenge names no error, for nothing was tried", async (t) => {
  const { origin } = await runGateway(t, guarded());
  const reply = await call(origin, chat({ messages: [] }));
  assert.equal(reply.status, 401);
  assert.equal(reply.headers["www-authenticate"], 'Bearer realm="foundry-gateway"');
  assert.equal(errorOf(reply)["code"], "missing_credential");
});

test("a clock that differs by less than a minute does not matter", async (t) => {
  const { origin } = await runGateway(t, guarded());
  assert.equal((await send(origin, await sign({ exp: now - 30 }))).status, 200);
  assert.equal((await send(origin, await sign({ nbf: now + 30 }))).status, 200);
});

test("one of the roles or scopes that are asked for is needed: 403 without", async (t) => {
  const { origin } = await runGateway(
    t,
    guarded({ requiredRoles: ["Gateway.Call"], requiredScopes: ["chat", "embed"] }),
  );
  for (const entitled of [{ roles: ["Other", "Gateway.Call"] }, { scp: "openid embed" }]) {
    assert.equal((await send(origin, await sign(entitled))).status, 200);
  }
  for (const lacking of [
    {},
    { roles: ["gateway.call"] },
    { roles: "Gateway.Call" },
    { scp: "embedded" },
    { scp: ["chat"] },
    { roles: ["chat"] },
  ]) {
    const reply = await send(origin, await sign(lacking));
    assert.equal(reply.status, 403, JSON.stringify(lacking));
    assert.match(reply.headers["www-authenticate"] ?? "", /error="insufficient_scope"/);
    assert.equal(errorOf(reply)["type"], "permission_error");
  }
  assert.equal(foundry.requests.length, 2);
});

test("only the algorithms in the config's list will do", async (t) => {
  const both = {
    inline: JSON.stringify({
      keys: [published, { ...(await exportJWK(ec.publicKey)), kid: "ec" }],
    }),
  };
  const { origin } = await runGateway(t, guarded({ algorithms: ["ES256"], jwks: both }));
  assert.equal(
    (await send(origin, await sign({}, { kid: "ec" }, ec.privateKey, "ES256"))).status,
    200,
  );
  assert.equal((await send(origin, await sign())).status, 401);
});

test("a route with keys and tokens takes either, and refuses what is neither", async (t) => {
  const key = randomUUID();
  const { origin, accessLog } = await runGateway(
    t,
    guarded({}, { apiKey: { keys: [{ key, metadata: { name: "team-a" } }] } }),
  );
  const ask = (headers: Record<string, string>) => call(origin, chat({ messages: [] }, headers));
  assert.notEqual((await send(origin, await sign())).status, 401);
  assert.notEqual((await ask({ authorization: `Bearer ${key}` })).status, 401);
  assert.notEqual((await ask({ "api-key": key })).status, 401);
  assert.equal((await ask({ "api-key": "wrong", authorization: "Bearer wrong" })).status, 401);
  assert.equal((await send(origin, await sign({ aud: "other" }))).status, 401);
  assert.equal((await ask({})).status, 401);
  const callers = (await accessLog(6)).map(({ caller }) => caller);
  assert.deepEqual(callers.slice(0, 3), [
    { subject: claims.sub, application: claims.azp },
    { key: "team-a" },
    { key: "team-a" },
  ]);
  assert.deepEqual(callers.slice(3), [undefined, undefined, undefined]);
});
