import { type JSONWebKeySet, type JWTVerifyGetKey, createLocalJWKSet, errors } from "jose";
import type { Clock } from "../../clock.ts";
import type { JwtAuth } from "../../config/run.ts";

/** The issuer's keys could not be had. */
export class KeysUnavailable extends Error {
  constructor(cause: unknown) {
    super("the issuer's keys could not be fetched", { cause });
    this.name = "KeysUnavailable";
  }
}

/** Milliseconds. Keys are fetched anew after `maxAge`, and for an unknown key at most each `coolDown`. */
const maxAge = 10 * 60_000;
const coolDown = 30_000;
const fetchTimeout = 5_000;
/** Entra's key set has a few kilobytes. */
const maxBytes = 1024 * 1024;

/**
 * The keys a JWT may be signed with. A set from a URL is fetched when first needed, once for all who
 * wait; afterwards the old set serves while a new one is fetched, and when that fails.
 */
export function createKeySet({ jwks }: JwtAuth, clock: Clock, get: typeof fetch): JWTVerifyGetKey {
  if (jwks.kind === "inline") return createLocalJWKSet(parse(jwks.text));
  const { url } = jwks;
  let keys: JWTVerifyGetKey | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<JWTVerifyGetKey> | undefined;

  return async (header, token) => {
    const age = clock.now() - triedAt;
    if (keys === undefined) return (await current(age))(header, token);
    if (age > maxAge) refresh().catch(() => undefined);
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || age < coolDown) throw error;
      const fresh = await refresh().catch(() => undefined);
      if (fresh === undefined) throw error;
      return fresh(header, token);
    }
  };

  function current(age: number): Promise<JWTVerifyGetKey> {
    // After a failure, callers are told at once until the next try is due.
    if (fetching === undefined && age < firstRetry) throw new KeysUnavailable(undefined);
    return refresh();
  }

  function refresh(): Promise<JWTVerifyGetKey> {
    fetching ??= load().finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  async function load(): Promise<JWTVerifyGetKey> {
    triedAt = clock.now();
    try {
      const answer = await get(url, {
        signal: AbortSignal.timeout(fetchTimeout),
        redirect: "error",
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`the key set's URL answered ${answer.status}`);
      if (text.length > maxBytes) throw new Error(`the key set is larger than ${maxBytes} bytes`);
      keys = createLocalJWKSet(parse(text));
      return keys;
    } catch (error) {
      throw new KeysUnavailable(error);
    }
  }
}

/** Milliseconds before a first set that could not be fetched is tried again. */
const firstRetry = 1_000;

function parse(text: string): JSONWebKeySet {
  const value: JSONWebKeySet = JSON.parse(text);
  return value;
}
