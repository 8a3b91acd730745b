/** Bytes of a text that arrives in chunks, kept from one place to another. */
export type Kept = {
  readonly active: boolean;
  /** Begins at an offset in the current chunk. */
  begin(at: number): void;
  /** The chunk ends before what is kept does. */
  carry(chunk: Buffer): void;
  /** All of it, in one piece, where it is no longer than `limit`; and is done. */
  end<T>(
    chunk: Buffer,
    at: number,
    limit: number,
    use: (bytes: Buffer, from: number, to: number) => T,
  ): T | undefined;
};

/** @param most bytes that are held of chunks that have passed; what is longer is only counted */
export function createKept(most: number): Kept {
  let from = -1;
  let pieces: Buffer[] = [];
  let carried = 0;

  return {
    get active() {
      return from !== -1;
    },
    begin(at) {
      from = at;
    },
    carry,
    end(chunk, at, limit, use) {
      const start = from;
      const before = carried;
      from = -1;
      if (before === 0) return at - start > limit ? undefined : use(chunk, start, at);
      const whole =
        before + at - start > limit ? undefined : [...pieces, chunk.subarray(start, at)];
      pieces = [];
      carried = 0;
      if (whole === undefined) return undefined;
      const bytes = Buffer.concat(whole);
      return use(bytes, 0, bytes.length);
    },
  };

  function carry(chunk: Buffer): void {
    carried += chunk.length - from;
    if (carried <= most) pieces.push(chunk.subarray(from));
    else pieces = [];
    from = 0;
  }
}
