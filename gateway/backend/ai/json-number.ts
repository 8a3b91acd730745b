/**
 * The grammar of a JSON number (RFC 8259, section 6), a byte at a time. The states say what has been
 * read last.
 */
const minus = 0;
const zero = 1;
const integer = 2;
const point = 3;
const fraction = 4;
const exponent = 5;
const exponentSign = 6;
const exponentDigits = 7;

/** The state after a number's first byte: a minus or a digit. */
export function startNumber(byte: number): number {
  return byte === 0x2d ? minus : byte === 0x30 ? zero : integer;
}

/** Whether a number may end here. */
export function isNumberEnd(state: number): boolean {
  return state === zero || state === integer || state === fraction || state === exponentDigits;
}

/** What a number has become with one more byte; -1 when the byte is no part of it. */
export function afterNumber(state: number, byte: number): number {
  const digit = byte >= 0x30 && byte <= 0x39;
  switch (state) {
    case minus:
      return digit ? (byte === 0x30 ? zero : integer) : -1;
    case integer:
      if (digit) return integer;
      break;
    case point:
    case fraction:
      if (digit) return fraction;
      break;
    case exponent:
      if (byte === 0x2b || byte === 0x2d) return exponentSign;
      return digit ? exponentDigits : -1;
    case exponentSign:
    case exponentDigits:
      return digit ? exponentDigits : -1;
  }
  if (byte === 0x2e && (state === zero || state === integer)) return point;
  if ((byte === 0x65 || byte === 0x45) && state !== point) return exponent;
  return -1;
}
