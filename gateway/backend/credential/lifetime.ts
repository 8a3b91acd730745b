/** `expiresOn` in milliseconds since the epoch. */
export type AccessToken = { readonly token: string; readonly expiresOn: number };

/** All in milliseconds. */
const shortestWait = 5_000;
/** Far below 2^31 ms, beyond which a timer of Node's fires at once. */
const longestWait = 24 * 3_600_000;
const firstBackOff = 250;
const longestBackOff = 15_000;

/**
 * How long to wait until a token is renewed: to between 50 and 60 % of its life, so that gateways
 * started together do not ask together.
 * @param life milliseconds left
 * @param random in [0, 1)
 */
export function renewAfter(life: number, random: number): number {
  const wait = Math.max(life * (0.5 + 0.1 * random), Math.min(shortestWait, life));
  return Math.min(Math.round(wait), longestWait);
}

/**
 * How long to leave an issuer alone that has failed, a quarter more or less by chance.
 * @param failures how many calls have failed in a row before this one
 */
export function backOff(failures: number, random: number): number {
  return Math.min(firstBackOff * 2 ** failures, longestBackOff) * (0.75 + 0.5 * random);
}

/**
 * Throws unless the token can be sent and is good for a while. A managed identity endpoint that
 * leaves `expires_on` out makes the SDK say that the token expires now.
 */
export function checkToken(acquired: AccessToken, now: number): AccessToken {
  if (!/^[\x21-\x7e]+$/.test(acquired.token)) {
    throw new Error("the token issuer gave no token that can be sent");
  }
  // Not `<=`, which would let NaN pass.
  if (!(acquired.expiresOn > now)) {
    throw new Error("the token issuer gave a token without an expiry, or one that has expired");
  }
  return acquired;
}
