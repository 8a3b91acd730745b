/** Sees frames go by in one direction (RFC 6455, section 5.2). It neither delays nor changes a byte. */
export type FrameObserver = {
  push(chunk: Buffer): void;
  /** Whether the next byte begins a frame: a control frame may be put in here. */
  atBoundary(): boolean;
  /** Of the close frame; 1005 where it has none, undefined before it has come. */
  closeCode(): number | undefined;
};

/** Hears of text messages that are neither masked nor compressed. */
export type OnText = {
  /** Told the first 1,024 bytes, or all of a shorter one. Says whether the whole is wanted. */
  begins(beginning: string): boolean;
  /** A wanted one, whole; not called for one of more than 1 MiB. */
  whole(text: Buffer): void;
};

const beginning = 1_024;
const longest = 1024 * 1024;
/** The longest header there is: two bytes, eight of length, four of mask. */
const longestHeader = 14;

const opcodes = { continuation: 0, text: 1, close: 8 } as const;

export function createFrameObserver(onText?: OnText): FrameObserver {
  const header = Buffer.alloc(longestHeader);
  let headerBytes = 0;
  /** Payload bytes of the frame under way that are still to come. */
  let left = 0;
  /** A length that no number holds: from here on nothing can be told. */
  let lost = false;
  let frame = { opcode: 0, final: true, mask: 0 };
  let closing = false;
  let closeBytes: number[] = [];
  let text: "none" | "begins" | "wanted" = "none";
  let kept = Buffer.alloc(0);
  let keptBytes = 0;

  return {
    push(chunk) {
      let at = 0;
      while (at < chunk.length && !lost) {
        if (left > 0) {
          const end = Math.min(chunk.length, at + left);
          payload(chunk.subarray(at, end));
          left -= end - at;
          at = end;
          if (left === 0) ended();
        } else {
          header[headerBytes] = chunk[at] ?? 0;
          headerBytes += 1;
          at += 1;
          if (headerBytes === headerLength()) begun();
        }
      }
    },
    atBoundary: () => !lost && left === 0 && headerBytes === 0,
    closeCode: () => (closing ? codeOf(closeBytes) : undefined),
  };

  function headerLength(): number {
    if (headerBytes < 2) return 2;
    const second = header[1] ?? 0;
    const length = second & 0x7f;
    return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0);
  }

  function begun(): void {
    const [first = 0, second = 0] = header;
    const short = second & 0x7f;
    const length =
      short === 127 ? header.readBigUInt64BE(2) : short === 126 ? header.readUInt16BE(2) : short;
    const mask = second & 0x80 ? header.readUInt32BE(headerBytes - 4) : 0;
    headerBytes = 0;
    lost = length > Number.MAX_SAFE_INTEGER;
    left = Number(length);
    frame = { opcode: first & 0x0f, final: (first & 0x80) !== 0, mask };
    if (frame.opcode === opcodes.close) closeBytes = [];
    if (frame.opcode === opcodes.text) {
      const readable = (first & 0x70) === 0 && (second & 0x80) === 0;
      text = readable && onText !== undefined ? "begins" : "none";
      keptBytes = 0;
    } else if (frame.opcode > opcodes.text && frame.opcode < opcodes.close) text = "none";
    if (left === 0 && !lost) ended();
  }

  function payload(bytes: Buffer): void {
    if (frame.opcode === opcodes.close && closeBytes.length < 2)
      closeBytes.push(...unmasked(bytes));
    if (text === "none" || frame.opcode > opcodes.text) return;
    const wanted = text === "begins" ? bytes.subarray(0, beginning - keptBytes) : bytes;
    keep(wanted);
    if (text === "begins" && keptBytes === beginning) decide();
    if (text === "wanted" && wanted.length < bytes.length) keep(bytes.subarray(wanted.length));
  }

  function ended(): void {
    if (frame.opcode === opcodes.close) closing = true;
    if (!frame.final || frame.opcode > opcodes.text) return;
    if (text === "begins") decide();
    if (text === "wanted") onText?.whole(kept.subarray(0, keptBytes));
    text = "none";
  }

  function decide(): void {
    const wanted = onText?.begins(kept.toString("latin1", 0, keptBytes)) === true;
    text = wanted ? "wanted" : "none";
  }

  /** In memory that grows with what is kept, however small the pieces. */
  function keep(bytes: Buffer): void {
    const needed = keptBytes + bytes.length;
    if (needed > longest) {
      text = "none";
      kept = Buffer.alloc(0);
      return;
    }
    if (needed > kept.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * kept.length, beginning));
      kept.copy(larger, 0, 0, keptBytes);
      kept = larger;
    }
    bytes.copy(kept, keptBytes);
    keptBytes = needed;
  }

  /** As much of a close frame as tells its code. */
  function unmasked(bytes: Buffer): number[] {
    const from = closeBytes.length;
    return [...bytes.subarray(0, 2 - from)].map(
      (byte, index) => byte ^ ((frame.mask >>> (24 - 8 * (from + index))) & 0xff),
    );
  }
}

function codeOf([high, low]: readonly number[]): number {
  return high === undefined || low === undefined ? 1005 : high * 256 + low;
}
