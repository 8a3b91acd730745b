import { type JSONWebKeySet, type JWTVerifyGetKey, createLocalJWKSet, errors } from "jose";
import type { Clock } from "../../clock.ts";
import type { JwtAuth } from "../../config/run/policies.ts";
import { readLimited } from "./read-limited.ts";

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
/** For so long an outage of the issuer does not matter; a key withdrawn meanwhile is still taken. */
const maxStale = 24 * 3_600_000;
/** Before a first set that could not be fetched is tried again. */
const firstRetry = 1_000;
const fetchTimeout = 5_000;
/** Bytes. Entra's key set has a few thousand. */
const maxBytes = 1024 * 1024;

/**
 * The keys a JWT may be signed with. A set from a URL is fetched when first needed, once for all who
 * wait; afterwards the old set serves while a new one is fetched, and when that fails.
 */
export function createKeySet({ jwks }: JwtAuth, clock: Clock, get: typeof fetch): JWTVerifyGetKey {
  if (jwks.kind === "inline") return createLocalJWKSet(parse(jwks.text));
  const { url } = jwks;
  let keys: JWTVerifyGetKey | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let fetching: Promise<JWTVerifyGetKey> | undefined;

  return async (header, token) => {
    const now = clock.now();
    if (keys === undefined || now - fetchedAt > maxStale) {
      return (await first(now - triedAt))(header, token);
    }
    if (now - fetchedAt > maxAge && now - triedAt > coolDown) refresh().catch(() => undefined);
    try {
      return await keys(header, token);
    } catch (error) {
      // Whoever comes while the set is being fetched waits for it as well: its key may be new.
      const due = fetching !== undefined || now - triedAt >= coolDown;
      if (!(error instanceof errors.JWKSNoMatchingKey) || !due) throw error;
      const fresh = await refresh().catch(() => undefined);
      if (fresh === undefined) throw error;
      return fresh(header, token);
    }
  };

  /** After a failure, callers are told at once until the next try is due. */
  function first(sinceTry: number): Promise<JWTVerifyGetKey> {
    if (fetching === undefined && sinceTry < firstRetry) throw new KeysUnavailable(failure);
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
      if (!answer.ok) throw new Error(`the key set's URL answered ${answer.status}`);
      keys = createLocalJWKSet(parse(await readLimited(answer, maxBytes)));
      fetchedAt = clock.now();
      return keys;
    } catch (error) {
      failure = error;
      throw new KeysUnavailable(error);
    }
  }
}

function parse(text: string): JSONWebKeySet {
  const value: JSONWebKeySet = JSON.parse(text);
  return value;
}
