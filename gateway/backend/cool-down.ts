import type { IncomingHttpHeaders } from "node:http";
import { milliseconds } from "../config/duration.ts";

/** Longest cool-down taken from an answer, in milliseconds: a backend may not talk itself away. */
export const longestCoolDown = 120_000;
/** For a 429 that says nothing, in milliseconds. */
const unsaid = 5_000;

/**
 * How long a backend that answered 429 or 503 wants to be left alone, in milliseconds. In order:
 * `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` in seconds or as a date (RFC 9110, section
 * 10.2.3), then the reset of whatever limit has nothing left (Azure OpenAI: `6m0s`, `1.5s`, `30`).
 *
 * @param now milliseconds since the epoch
 * @returns undefined when the headers say nothing
 */
export function coolDownOf(headers: IncomingHttpHeaders, now: number): number | undefined {
  const said =
    number(headers["retry-after-ms"]) ??
    number(headers["x-ms-retry-after-ms"]) ??
    retryAfter(one(headers["retry-after"]), now) ??
    reset(headers);
  return said === undefined ? undefined : Math.min(Math.max(said, 0), longestCoolDown);
}

/** The same for a 429, which always means to wait. */
export function rateLimitCoolDown(headers: IncomingHttpHeaders, now: number): number {
  return coolDownOf(headers, now) ?? unsaid;
}

function retryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const seconds = number(value);
  if (seconds !== undefined) return seconds * 1_000;
  // Date.parse reads `-5` as a year.
  const date = /^[A-Z][a-z]+, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : date - now;
}

function reset(headers: IncomingHttpHeaders): number | undefined {
  const kinds = ["requests", "tokens"];
  const resets = kinds.map((kind) => ({
    time: span(one(headers[`x-ratelimit-reset-${kind}`])),
    spent: number(headers[`x-ratelimit-remaining-${kind}`]) === 0,
  }));
  const given = resets.filter(({ time }) => time !== undefined);
  const spent = given.filter((each) => each.spent);
  const times = (spent.length > 0 ? spent : given).map(({ time }) => time ?? 0);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** `2m30s`, `1.5s`, `20ms`, or plain seconds. */
function span(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = number(value);
  if (seconds !== undefined) return seconds * 1_000;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(value)) return undefined;
  return milliseconds(value);
}

function number(value: string | string[] | undefined): number | undefined {
  const text = one(value)?.trim() ?? "";
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
