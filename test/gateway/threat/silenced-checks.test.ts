// The threat: a configuration that reads like a check and is none. A fill interval of zero would let
// every request through, an origin with a star in the wrong place is everybody's, a key set without
// keys or a shared secret is nobody's. Each of these is a problem with its place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../gateway/config/load.ts";
import { model, routes } from "../configuration.ts";

const surroundings = { env: {}, readFile: () => "" };

const problemsOf = (changed: unknown): readonly string[] => {
  const loaded = loadConfig(
    JSON.stringify({
      binds: [
        {
          port: 3000,
          listeners: [
            { routes: [{ backends: [model("foundry.example:443")], policies: changed }] },
          ],
        },
      ],
    }),
    surroundings,
  );
  return "problems" in loaded
    ? loaded.problems.map(({ path, message }) => `${path}: ${message}`)
    : [];
};

const aLimit = { maxTokens: 1, tokensPerFill: 1, fillInterval: "1m" };
const jwt = { issuer: "i", audiences: ["a"] };
for (const [name, changed, expected] of [
  [
    "a limit that fills at once",
    { localRateLimit: [{ ...aLimit, fillInterval: "0s" }] },
    /fillInterval: expected a duration above zero/,
  ],
  [
    "a limit of nothing",
    { localRateLimit: [{ ...aLimit, maxTokens: 0 }] },
    /maxTokens: expected a whole number from 1/,
  ],
  ["no limit in the list", { localRateLimit: [] }, /expected at least one limit/],
  [
    "no time at all",
    { timeout: { requestTimeout: "0ms" } },
    /requestTimeout: expected a duration above zero/,
  ],
  [
    "more time than a timer can count",
    { timeout: { requestTimeout: "1000h" } },
    /requestTimeout: expected at most 24h/,
  ],
  [
    "credentials for every origin",
    { cors: { allowOrigins: ["*"], allowCredentials: true } },
    /let any page act/,
  ],
  [
    "an origin that begins alike",
    { cors: { allowOrigins: ["https://example.com*"] } },
    /expected an origin/,
  ],
  [
    "an origin that ends alike",
    { cors: { allowOrigins: ["https://*example.com"] } },
    /expected an origin/,
  ],
  ["every https origin", { cors: { allowOrigins: ["https://*"] } }, /expected an origin/],
  ["the origin null", { cors: { allowOrigins: ["null"] } }, /expected an origin/],
  [
    "an origin with a path",
    { cors: { allowOrigins: ["https://a.example/"] } },
    /expected an origin/,
  ],
  ["a method that is none", { cors: { allowMethods: ["GET\r\nx: y"] } }, /allowMethods/],
  [
    "a header that would be two",
    { responseHeaderModifier: { set: { "x-a": "b\r\nset-cookie: c" } } },
    /expected one line/,
  ],
  [
    "a header no server can send",
    { responseHeaderModifier: { set: { "x-a": "\u4f60" } } },
    /expected one line/,
  ],
  [
    "framing",
    { requestHeaderModifier: { set: { "Content-Length": "5" } } },
    /content-length is set by the gateway itself/,
  ],
  [
    "the credential's own header",
    { requestHeaderModifier: { add: { Authorization: "x" } }, backendAuth: { key: "k" } },
    /authorization carries the credential/,
  ],
  [
    "a key that no header brings unchanged",
    { apiKey: { keys: [{ key: " k" }] } },
    /expected a key of ASCII/,
  ],
  [
    "one key twice",
    { apiKey: { keys: [{ key: "k" }, { key: "k" }] } },
    /the same key as keys\[0\]/,
  ],
  ["no key", { apiKey: { keys: [] } }, /expected at least one key/],
  [
    "a hash that is none",
    { apiKey: { keys: [{ keyHash: "sha256:abc" }] } },
    /64 hexadecimal digits/,
  ],
  [
    "a shared secret to sign with",
    { jwtAuth: { ...jwt, jwks: { url: "https://i" }, algorithms: ["HS256"] } },
    /HS256 is not one of/,
  ],
  [
    "no signature",
    { jwtAuth: { ...jwt, jwks: { url: "https://i" }, algorithms: ["none"] } },
    /none is not one of/,
  ],
  [
    "no algorithm",
    { jwtAuth: { ...jwt, jwks: { url: "https://i" }, algorithms: [] } },
    /at least one algorithm/,
  ],
  [
    "no audience",
    { jwtAuth: { issuer: "i", audiences: [], jwks: { url: "https://i" } } },
    /at least one audience/,
  ],
  [
    "keys from a file URL",
    { jwtAuth: { ...jwt, jwks: { url: "file:///etc/passwd" } } },
    /expected a URL/,
  ],
  [
    "keys that are no keys",
    { jwtAuth: { ...jwt, jwks: { inline: '{"keys":[5]}' } } },
    /each of the JWK Set's keys/,
  ],
  [
    "no keys at all",
    { jwtAuth: { ...jwt, jwks: { inline: '{"keys":[]}' } } },
    /no public key that can be used/,
  ],
  [
    "a shared key to verify with",
    { jwtAuth: { ...jwt, jwks: { inline: '{"keys":[{"kty":"oct","k":"AAAA"}]}' } } },
    /private or shared key/,
  ],
] as const) {
  test(`${name}: a problem, not a surprise`, () => {
    assert.match(problemsOf(changed).join("\n"), expected);
  });
}

test("keys fetched over plain HTTP from elsewhere are warned of", () => {
  const loaded = loadConfig(
    routes({
      backends: [model("foundry.example:443")],
      policies: {
        jwtAuth: { ...jwt, audiences: ["a"], jwks: { url: "http://issuer.example/keys" } },
      },
    }),
    surroundings,
  );
  if ("problems" in loaded) return assert.fail(JSON.stringify(loaded.problems));
  assert.match(loaded.warnings[0]?.message ?? "", /keys fetched over plain HTTP/);
});
