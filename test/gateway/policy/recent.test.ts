import assert from "node:assert/strict";
import { after, test } from "node:test";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { createRecent } from "../../../gateway/policy/authentication/recent.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { call, chat } from "../caller.ts";
import { model, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { second, standingClock } from "./standing-clock.ts";

const foundry = await startFoundry({ accept: "any" });
after(() => foundry.close());

test("what was found is told until its time is over", () => {
  const recent = createRecent<string>();
  recent.keep("token", "found", 1_000);
  assert.equal(recent.get("token", 999), "found");
  assert.equal(recent.get("Token", 999), undefined);
  assert.equal(recent.get("token", 1_000), undefined);
  assert.equal(recent.get("token", 999), undefined, "and is forgotten then");
});

test("beyond 10,000 the oldest are forgotten", () => {
  const recent = createRecent<number>();
  for (let index = 0; index < 10_002; index += 1) recent.keep(`token-${index}`, index, 2);
  assert.equal(recent.get("token-0", 1), undefined);
  assert.equal(recent.get("token-1", 1), undefined);
  assert.equal(recent.get("token-2", 1), 2);
  assert.equal(recent.get("token-10001", 1), 10_001);
});

test("a token that has just been found good is refused as soon as it has expired", async (t) => {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const start = Date.now();
  const clock = standingClock(start);
  const inline = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one" }] });
  const token = await new SignJWT({ sub: "caller", exp: Math.floor(start / 1000) - 30 })
    .setProtectedHeader({ alg: "RS256", kid: "one" })
    .setIssuer("https://issuer.example")
    .setAudience("gateway")
    .sign(privateKey);
  const yaml = routes({
    backends: [model(`localhost:${foundry.port}`)],
    policies: {
      backendAuth: { key: "any" },
      jwtAuth: { issuer: "https://issuer.example", audiences: ["gateway"], jwks: { inline } },
    },
  });
  const { origin } = await runGateway(t, yaml, { clock });
  const send = () =>
    call(
      origin,
      chat({ messages: [{ role: "user", content: "Hi" }] }, { authorization: `Bearer ${token}` }),
    );
  // The issuer's clock and ours may differ by a minute.
  assert.equal((await send()).status, 200);
  clock.pass(20 * second);
  assert.equal((await send()).status, 200);
  clock.pass(11 * second);
  assert.equal((await send()).status, 401);
  assert.equal(foundry.requests.length, 2);
});
