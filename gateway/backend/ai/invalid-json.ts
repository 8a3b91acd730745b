/** A text that is not JSON (RFC 8259). */
export class InvalidJson extends Error {
  /** Byte offset of the first wrong byte. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} at byte ${offset}`);
    this.name = "InvalidJson";
    this.offset = offset;
  }
}
