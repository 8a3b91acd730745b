// The arithmetic of the limits, on a clock that is moved by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createBuckets } from "../../../gateway/policy/token-bucket.ts";
import { minute, second, standingClock } from "./standing-clock.ts";

const requests = {
  capacity: 3,
  perFill: 2,
  interval: 10 * second,
  unit: "requests",
  per: "route",
} as const;

test("a bucket starts full, gives so many, and refuses the next without taking anything", () => {
  const buckets = createBuckets(requests, standingClock());
  assert.deepEqual(
    [1, 2, 3].map(() => buckets.take("", 1)),
    [2, 1, 0],
  );
  assert.equal(buckets.take("", 1), -1);
  assert.equal(buckets.left(""), 0);
});

test("it fills in steps, and never beyond its size", () => {
  const clock = standingClock();
  const buckets = createBuckets(requests, clock);
  for (let at = 0; at < 3; at += 1) buckets.take("", 1);
  clock.pass(9_999);
  assert.equal(buckets.left(""), 0);
  assert.equal(buckets.wait(""), 1);
  clock.pass(1);
  assert.equal(buckets.left(""), 2);
  assert.equal(buckets.untilFull(""), 10 * second);
  clock.pass(60 * minute);
  assert.equal(buckets.left(""), 3);
  assert.equal(buckets.untilFull(""), 0);
});

test("a debt of tokens is paid off before anything is let in again", () => {
  const clock = standingClock();
  const buckets = createBuckets({ ...requests, unit: "tokens", capacity: 10 }, clock);
  buckets.take("", 10 + 7);
  assert.equal(buckets.left(""), -7);
  assert.equal(buckets.wait(""), 40 * second);
  clock.pass(30 * second);
  assert.equal(buckets.left(""), -1);
  clock.pass(10 * second);
  assert.equal(buckets.left(""), 1);
});

test("each key has a bucket of its own", () => {
  const buckets = createBuckets(requests, standingClock());
  for (let at = 0; at < 3; at += 1) buckets.take("one", 1);
  assert.equal(buckets.left("one"), 0);
  assert.equal(buckets.left("other"), 3);
});

test("a clock set back neither fills a bucket nor stops it from filling", () => {
  const clock = standingClock();
  const buckets = createBuckets(requests, clock);
  for (let at = 0; at < 3; at += 1) buckets.take("", 1);
  clock.pass(-60 * minute);
  assert.equal(buckets.left(""), 0);
  clock.pass(10 * second);
  assert.equal(buckets.left(""), 2);
});

test("1,000 random histories: never more is given than the size and the fillings allow", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 10_000 }),
      fc.array(fc.tuple(fc.nat(20_000), fc.nat(100)), { maxLength: 40 }),
      (capacity, perFill, interval, history) => {
        const clock = standingClock();
        const buckets = createBuckets({ ...requests, capacity, perFill, interval }, clock);
        let given = 0;
        let passed = 0;
        for (const [pause, asked] of history) {
          clock.pass(pause);
          passed += pause;
          for (let at = 0; at < asked; at += 1) if (buckets.take("", 1) >= 0) given += 1;
          const left = buckets.left("");
          assert.ok(left >= 0 && left <= capacity);
          assert.ok(given <= capacity + Math.floor(passed / interval) * perFill);
          assert.ok(left >= 1 || buckets.wait("") > 0);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
