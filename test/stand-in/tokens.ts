// The tokens in circulation. Whoever issues mints here, so that the Foundry can check a token,
// and a test can say which identity called, and for which audience.
import { randomBytes } from "node:crypto";

export type TokenRecord = {
  readonly token: string;
  /** The name under which the issuer knows the identity. */
  readonly identity: string;
  /** The resource without `/.default`. */
  readonly audience: string;
  /** Milliseconds since the epoch, like every time below. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revoked: boolean;
};

export type Tokens = {
  mint(grant: {
    readonly identity: string;
    /** With or without `/.default`. */
    readonly audience: string;
    readonly lifetimeSeconds: number;
  }): TokenRecord;
  find(token: string): TokenRecord | undefined;
  /** In the order of minting; also what must not appear in a log. */
  all(): readonly TokenRecord[];
  /** One token, or every token so far; those minted later are good. */
  revoke(token?: string): void;
  isGood(record: TokenRecord): boolean;
  now(): number;
};

/** `now` in milliseconds since the epoch: a test that shortens time passes its own. */
export function createTokens(now: () => number = Date.now): Tokens {
  const records = new Map<string, TokenRecord>();

  return {
    mint({ identity, audience, lifetimeSeconds }) {
      const issuedAt = now();
      const record = {
        token: `stand-in-token-${randomBytes(24).toString("base64url")}`,
        identity,
        audience: audience.replace(/\/\.default$/, ""),
        issuedAt,
        expiresAt: issuedAt + lifetimeSeconds * 1000,
        revoked: false,
      };
      records.set(record.token, record);
      return record;
    },
    find: (token) => records.get(token),
    all: () => [...records.values()],
    revoke(token) {
      for (const record of records.values()) {
        if (token === undefined || record.token === token) {
          records.set(record.token, { ...record, revoked: true });
        }
      }
    },
    isGood: (record) => !record.revoked && record.expiresAt > now(),
    now,
  };
}
