import type { Clock } from "../clock.ts";
import type { RateLimit } from "../config/run/policies.ts";

/** Token buckets that fill in steps, one for each key; a full one is forgotten. */
export type Buckets = {
  /** What the bucket holds; below zero when it is in debt. */
  left(key: string): number;
  /**
   * Takes an amount and returns what is left. Taking one request out of an empty bucket takes
   * nothing and returns a negative number.
   */
  take(key: string, amount: number): number;
  /** Milliseconds until the bucket holds at least one. */
  wait(key: string): number;
  /** Milliseconds until the bucket is full. */
  untilFull(key: string): number;
};

type Bucket = { level: number; filledAt: number };

/** Callers are few; this many keys mean that a key is not what it should be. */
const maxBuckets = 100_000;

export function createBuckets(
  { capacity, perFill, interval, unit }: RateLimit,
  clock: Clock,
): Buckets {
  const buckets = new Map<string, Bucket>();
  let sweptAt = Number.NEGATIVE_INFINITY;

  return {
    left: (key) => fill(key).level,
    take(key, amount) {
      const bucket = fill(key);
      if (unit === "requests" && bucket.level < amount) return bucket.level - amount;
      bucket.level -= amount;
      return bucket.level;
    },
    wait: (key) => untilLevel(fill(key), 1),
    untilFull: (key) => untilLevel(fill(key), capacity),
  };

  function fill(key: string): Bucket {
    const now = clock.now();
    const bucket = buckets.get(key);
    if (bucket === undefined) return start(key, now);
    // A clock set back must not stop the filling.
    if (now < bucket.filledAt) bucket.filledAt = now;
    const fills = Math.floor((now - bucket.filledAt) / interval);
    bucket.level = Math.min(capacity, bucket.level + fills * perFill);
    bucket.filledAt += fills * interval;
    return bucket;
  }

  function start(key: string, now: number): Bucket {
    if (buckets.size >= maxBuckets && now - sweptAt >= interval) {
      sweptAt = now;
      forgetFull();
    }
    const bucket = { level: capacity, filledAt: now };
    buckets.set(key, bucket);
    return bucket;
  }

  function forgetFull(): void {
    for (const key of buckets.keys()) {
      if (fill(key).level >= capacity) buckets.delete(key);
    }
  }

  function untilLevel({ level, filledAt }: Bucket, wanted: number): number {
    if (level >= wanted) return 0;
    const fills = Math.ceil((wanted - level) / perFill);
    return Math.max(0, filledAt + fills * interval - clock.now());
  }
}
