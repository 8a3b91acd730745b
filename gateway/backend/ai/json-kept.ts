/** Bytes of a text that arrives in chunks, kept from one place to another. */
export class KeptBytes {
  /** Bytes that are held of chunks that have passed; what is longer is only counted. */
  private readonly most: number;
  /** Where it began in the current chunk; -1 while nothing is kept. */
  private from = -1;
  private carried = 0;
  private pieces: Buffer[] | undefined = undefined;

  constructor(most: number) {
    this.most = most;
  }

  get active(): boolean {
    return this.from !== -1;
  }

  /** Begins at an offset in the current chunk. */
  begin(at: number): void {
    this.from = at;
  }

  /** The chunk ends before what is kept does. */
  carry(chunk: Buffer): void {
    this.carried += chunk.length - this.from;
    this.pieces ??= [];
    if (this.carried <= this.most) this.pieces.push(chunk.subarray(this.from));
    else this.pieces = [];
    this.from = 0;
  }

  /** Ends; what `use` makes of all of it, in one piece, where it is no longer than `limit`. */
  end<Context, Result>(
    chunk: Buffer,
    at: number,
    limit: number,
    use: (context: Context, bytes: Buffer, from: number, to: number) => Result,
    context: Context,
  ): Result | undefined {
    const { from, carried, pieces } = this;
    this.from = -1;
    const length = carried + at - from;
    if (pieces === undefined) return length > limit ? undefined : use(context, chunk, from, at);
    this.pieces = undefined;
    this.carried = 0;
    if (length > limit) return undefined;
    const whole = Buffer.concat([...pieces, chunk.subarray(from, at)]);
    return use(context, whole, 0, whole.length);
  }

  /** Ends; all of it as text, where it is no longer than `limit`. */
  endText(chunk: Buffer, at: number, limit: number): string | undefined {
    return this.end(chunk, at, limit, textOf, undefined);
  }
}

function textOf(_: undefined, bytes: Buffer, from: number, to: number): string {
  return bytes.toString("utf8", from, to);
}
