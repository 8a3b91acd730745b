import { isSecret } from "./secret.ts";

/** Equal settings give equal text. Kept in memory only: it spells secrets out. */
export function identity(settings: object): string {
  return JSON.stringify(settings, function (this: Record<string, unknown>, key, value: unknown) {
    // `value` has been through toJSON, which hides a secret.
    const raw = this[key];
    return isSecret(raw) ? raw.reveal() : value;
  });
}
