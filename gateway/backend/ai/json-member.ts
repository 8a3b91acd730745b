/** A member of a JSON text's top-level object. */
export type Member = {
  readonly key: string;
  /** Offsets of the value in the text: first byte, and just past the last. */
  readonly start: number;
  readonly end: number;
  /** The value's own text; undefined when it is not asked for, or longer than is kept. */
  readonly text: string | undefined;
};

/** What is known of a JSON text. */
export type Scanned = {
  readonly root: "object" | "other";
  /** Offset just past the opening brace of the object. */
  readonly inside: number;
  /** Whether the object has no members. */
  readonly empty: boolean;
  /** Members looked for, in the order of the text; a key written twice is there twice. */
  readonly members: readonly Member[];
};

/** A member to look for. */
export type Sought = {
  readonly key: string;
  readonly bytes: Buffer;
  /** Whether its text is wanted besides its place. */
  readonly text: boolean;
};

/** Keys are compared byte by byte, so that those nobody looks for cost no string. */
export function sought(texts: Iterable<string>, places: Iterable<string> = []): readonly Sought[] {
  const wanted = new Map<string, Sought>();
  for (const key of places) wanted.set(key, { key, bytes: Buffer.from(key), text: false });
  for (const key of texts) wanted.set(key, { key, bytes: Buffer.from(key), text: true });
  return [...wanted.values()];
}

const backslash = 0x5c;

/**
 * The one looked for that a key is.
 * @param written the key's bytes between its quotes, as written
 */
export function findSought(
  wanted: readonly Sought[],
  written: Buffer,
  from: number,
  to: number,
): Sought | undefined {
  for (let index = from; index < to; index += 1) {
    if (written[index] === backslash) return unescaped(wanted, written.toString("utf8", from, to));
  }
  for (const each of wanted) if (isSame(each.bytes, written, from, to)) return each;
  return undefined;
}

function unescaped(wanted: readonly Sought[], written: string): Sought | undefined {
  const key = String(JSON.parse(`"${written}"`));
  return wanted.find((each) => each.key === key);
}

function isSame(key: Buffer, written: Buffer, from: number, to: number): boolean {
  const { length } = key;
  if (to - from !== length) return false;
  for (let index = 0; index < length; index += 1) {
    if (key[index] !== written[from + index]) return false;
  }
  return true;
}
