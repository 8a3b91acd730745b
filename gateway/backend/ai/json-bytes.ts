/** Classes of bytes in the grammar of JSON (RFC 8259). */

/** What may follow a backslash, besides u. */
export function isEscape(byte: number): boolean {
  // " \ / b f n r t
  return (
    byte === 0x22 ||
    byte === 0x5c ||
    byte === 0x2f ||
    byte === 0x62 ||
    byte === 0x66 ||
    byte === 0x6e ||
    byte === 0x72 ||
    byte === 0x74
  );
}

export function isHex(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x46) ||
    (byte >= 0x61 && byte <= 0x66)
  );
}

/** Whether a byte inside a string is more than a part of it: a quotation mark, a backslash, a fault. */
export const endsRun = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x22 || byte === 0x5c || byte < 0x20 ? 1 : 0,
);

/** The words of the grammar by their first byte. */
export const words: Readonly<Record<number, string>> = {
  0x74: "true",
  0x66: "false",
  0x6e: "null",
};
