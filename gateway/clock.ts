/** Time as the gateway sees it; tests bring their own. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `work` after so many milliseconds, without keeping the process alive. Returns the cancel. */
  after(milliseconds: number, work: () => void): () => void;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, work) {
    const timer = setTimeout(work, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
