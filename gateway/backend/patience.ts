/** How long the backend is waited for, while a body is sent that arrives by and by. */
export type Patience = {
  /** It is the backend's turn: to take a chunk, or to answer. */
  start(): void;
  /** It is the caller's turn. */
  pause(): void;
  /** The answer has begun, or never will. */
  end(): void;
};

/** @param limit milliseconds; 0 is for ever */
export function createPatience(limit: number, onEnd: () => void): Patience {
  let timer: NodeJS.Timeout | undefined;
  let ended = limit === 0;
  return {
    start() {
      clearTimeout(timer);
      if (!ended) timer = setTimeout(onEnd, limit);
    },
    pause: () => clearTimeout(timer),
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}

/** Counts the time that each chunk takes to go out, and the time after the last, as the backend's. */
export async function* inTurn(
  chunks: AsyncIterable<Uint8Array>,
  patience: Patience,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    patience.start();
    yield chunk;
    patience.pause();
  }
  patience.start();
}
