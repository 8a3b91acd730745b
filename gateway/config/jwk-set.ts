import { createPublicKey } from "node:crypto";
import { isRecord } from "./written/object.ts";

/** Bits; what RFC 7518 (section 3.3) asks of RSA. */
const leastModulus = 2048;

/** What keeps a text from being a JWK Set (RFC 7517) by which signatures can be checked. */
export function faultInKeySet(text: string): string | undefined {
  const set = parse(text);
  if (!isRecord(set) || !Array.isArray(set["keys"])) {
    return "expected a JWK Set: a JSON object with keys";
  }
  const keys: readonly unknown[] = set["keys"];
  if (!keys.every(isRecord)) return "expected each of the JWK Set's keys to be an object";
  if (keys.some((key) => "d" in key || "k" in key)) {
    return "the JWK Set holds a private or shared key: publish public keys only";
  }
  return keys.some(isUsable)
    ? undefined
    : `the JWK Set holds no public key that can be used (RSA needs ${leastModulus} bits)`;
}

function isUsable(key: Record<string, unknown>): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key, format: "jwk" });
    return (
      asymmetricKeyType !== "rsa" || (asymmetricKeyDetails?.modulusLength ?? 0) >= leastModulus
    );
  } catch {
    return false;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
