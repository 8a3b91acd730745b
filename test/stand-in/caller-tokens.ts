// The keys with which Entra signs, for gateways that check their callers' tokens.
import { randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

export type CallerTokens = {
  /**
   * An RS256 token; `claims` go over the usual ones (iss, sub, tid, ver, iat, nbf, exp in an hour).
   * "unpublished" signs with a key that is in no key set, under the id of one that is.
   */
  sign(claims: JWTPayload, key?: "current" | "unpublished"): Promise<string>;
  keySet(): Promise<{ readonly keys: readonly JWK[] }>;
  /** From now on a new key signs; the old ones stay published, or do not. */
  rotate(oldKeys: "stay" | "go"): void;
};

export function createCallerTokens(issuer: string, tenantId: string): CallerTokens {
  // RSA keys are slow to make: none before it is asked for.
  let keys = [makeKey()];

  return {
    async sign(claims, which = "current") {
      const current = await keys[0]?.();
      if (current === undefined) throw new TypeError("no signing key");
      const { privateKey } = which === "current" ? current : await generateKey();
      const now = Math.floor(Date.now() / 1000);
      const usual = { iss: issuer, sub: randomUUID(), tid: tenantId, ver: "2.0" };
      return new SignJWT({ ...usual, iat: now, nbf: now, exp: now + 3600, ...claims })
        .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: current.kid })
        .sign(privateKey);
    },
    async keySet() {
      const made = await Promise.all(keys.map((key) => key()));
      return { keys: made.map(({ published }) => published) };
    },
    rotate(oldKeys) {
      keys = oldKeys === "stay" ? [makeKey(), ...keys] : [makeKey()];
    },
  };
}

type SignerKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

type SigningKey = {
  readonly kid: string;
  readonly privateKey: SignerKey;
  readonly published: JWK;
};

function makeKey(): () => Promise<SigningKey> {
  let made: Promise<SigningKey> | undefined;
  return () => (made ??= generateKey());
}

async function generateKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const kid = randomUUID();
  const published = { ...(await exportJWK(publicKey)), kid, use: "sig", alg: "RS256" };
  return { kid, privateKey, published };
}
