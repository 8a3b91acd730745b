// Bytes in the pieces in which a network may bring them.
import * as fc from "fast-check";

/** Where to cut, as shares of the length: holds for bytes of any length. */
export const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

export function pieces(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = at.map((share) => Math.round(share * bytes.length)).toSorted((a, b) => a - b);
  return [...places, bytes.length].map((end, index) =>
    bytes.subarray(index === 0 ? 0 : places[index - 1], end),
  );
}

/** Each byte by itself. */
export function everyByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}
