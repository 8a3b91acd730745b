import { hash } from "node:crypto";
import type { ApiKeyAuth } from "../../config/run.ts";
import type { Caller } from "../../request/caller.ts";
import type { Check } from "./credential.ts";

/** Longest key looked at, in bytes. */
const maxKey = 4096;

/**
 * Checks callers' API keys. Only hashes are kept, and only hashes are compared: how long that takes
 * depends on the hash of what was sent, which tells nothing of any key.
 */
export function apiKeyCheck({ keys, locations }: ApiKeyAuth): Check {
  const callers = new Map<string, Caller>(
    keys.map((key) => [
      key.hash,
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
      const caller = callers.get(hash("sha256", value.slice(prefix.length).trim(), "hex"));
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
