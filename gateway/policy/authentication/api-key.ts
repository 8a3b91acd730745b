import { hash, randomBytes } from "node:crypto";
import type { ApiKeyAuth } from "../../config/run/policies.ts";
import type { Caller } from "../../request/caller.ts";
import type { Check } from "./credential.ts";

/** Longest key looked at, in bytes. */
const maxKey = 4096;

/**
 * Checks callers' API keys. Only hashes are kept, and what is compared is those hashes hashed once
 * more with a salt that this process alone knows: how long a look-up takes depends on nothing that
 * a caller can choose or compute, so it tells nothing of a key or of its hash.
 */
export function apiKeyCheck({ keys, locations }: ApiKeyAuth): Check {
  const salt = randomBytes(32).toString("hex");
  const blinded = (digest: string): string => hash("sha256", salt + digest, "hex");
  const callers = new Map<string, Caller>(
    keys.map((key) => [
      blinded(key.hash),
      { id: `key:${key.hash}`, allowedModels: key.allowedModels, record: { key: key.name } },
    ]),
  );
  return ({ request: { headers } }) => {
    let seen = false;
    for (const { header, prefix } of locations) {
      const value = headers[header];
      if (typeof value !== "string" || value.length > maxKey || !startsWith(value, prefix))
        continue;
      seen = true;
      const digest = hash("sha256", value.slice(prefix.length).trim(), "hex");
      const caller = callers.get(blinded(digest));
      if (caller !== undefined) return { kind: "valid", caller, spentHeader: header };
    }
    return seen
      ? { kind: "invalid", error: "invalid_token", description: "unknown API key" }
      : { kind: "absent" };
  };
}

/** The scheme of a credential has no case (RFC 9110, section 11.1). */
function startsWith(value: string, prefix: string): boolean {
  return value.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
}
