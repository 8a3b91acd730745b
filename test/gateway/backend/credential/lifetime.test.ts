import assert from "node:assert/strict";
import { test } from "node:test";
import {
  backOff,
  checkToken,
  renewAfter,
} from "../../../../gateway/backend/credential/lifetime.ts";

const minute = 60_000;
const day = 86_400_000;
const almostOne = 1 - Number.EPSILON;

for (const { life, random, wait } of [
  { life: 60 * minute, random: 0, wait: 30 * minute },
  { life: 60 * minute, random: 0.5, wait: 33 * minute },
  { life: 10_000, random: 0, wait: 5_000 },
  { life: 6_000, random: 0, wait: 5_000 },
  { life: 2_000, random: 0, wait: 2_000 },
  { life: day, random: 0, wait: day / 2 },
  { life: 60 * day, random: 0, wait: day },
  { life: Number.POSITIVE_INFINITY, random: 0, wait: day },
]) {
  test(`a token with ${life} ms left is renewed after ${wait} ms, chance being ${random}`, () => {
    assert.equal(renewAfter(life, random), wait);
  });
}

test("a token is renewed between 50 and 60 % of its life, whatever chance says", () => {
  const life = 60 * minute;
  for (const random of [0, 0.1, 0.5, 0.9, almostOne]) {
    const wait = renewAfter(life, random);
    assert.ok(wait >= life * 0.5 && wait <= life * 0.6, String(wait));
  }
});

test("an issuer that fails is left alone twice as long each time, up to 15 s", () => {
  const waits = Array.from({ length: 12 }, (_, failures) => backOff(failures, 0.5));
  assert.deepEqual(waits.slice(0, 7), [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000]);
  assert.equal(waits.at(-1), 15_000);
  assert.equal(backOff(5_000, 0.5), 15_000);
  assert.equal(backOff(0, 0), 187.5);
  assert.ok(backOff(20, almostOne) <= 18_750);
});

for (const expiresOn of [1_000, 999, 0, -1, Number.NaN]) {
  test(`a token that expires at ${expiresOn} is not taken at 1000`, () => {
    assert.throws(() => checkToken({ token: "t", expiresOn }, 1_000), /without an expiry/);
  });
}

for (const token of ["", " ", "a b", "a\r\nx: y", "tökén"]) {
  test(`${JSON.stringify(token)} is no token that can be sent`, () => {
    assert.throws(() => checkToken({ token, expiresOn: 2_000 }, 1_000), /can be sent/);
  });
}

test("a good token is taken as it is", () => {
  const token = { token: "eyJ0.eyJh._-~+/=", expiresOn: 1_001 };
  assert.equal(checkToken(token, 1_000), token);
});
