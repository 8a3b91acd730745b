import { hash } from "node:crypto";

/** What has been found out about credentials, by their hash, as long as it holds. */
export type Recent<T> = {
  get(credential: string, now: number): T | undefined;
  /** @param until milliseconds since the epoch, as `now` is */
  keep(credential: string, found: T, until: number): void;
};

/** Credentials remembered; beyond, the oldest are forgotten. */
const capacity = 10_000;

export function createRecent<T>(): Recent<T> {
  const entries = new Map<string, { readonly found: T; readonly until: number }>();
  return {
    get(credential, now) {
      const key = keyOf(credential);
      const entry = entries.get(key);
      if (entry === undefined || now < entry.until) return entry?.found;
      entries.delete(key);
      return undefined;
    },
    keep(credential, found, until) {
      entries.set(keyOf(credential), { found, until });
      if (entries.size <= capacity) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
  };
}

/** No credential stays in memory, where a dump would show it. */
function keyOf(credential: string): string {
  return hash("sha256", credential, "base64");
}
