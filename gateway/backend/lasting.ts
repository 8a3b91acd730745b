/**
 * Things that outlive a configuration: made when first asked for, kept as long as a configuration
 * asks for them.
 */
export type Lasting<Value> = {
  get<Made extends Value | undefined>(key: string, make: () => Made): Value | Made;
  all(): readonly Value[];
  /** From now on a new configuration asks. */
  begin(): void;
  /** Gives up what has not been asked for since `begin`, and returns it. */
  retire(): readonly Value[];
};

export function createLasting<Value>(): Lasting<Value> {
  const made = new Map<string, Value>();
  let asked = new Set<string>();
  return {
    get(key, make) {
      asked.add(key);
      const existing = made.get(key);
      if (existing !== undefined) return existing;
      const value = make();
      if (value !== undefined) made.set(key, value);
      return value;
    },
    all: () => [...made.values()],
    begin() {
      asked = new Set();
    },
    retire() {
      const retired = [...made].filter(([key]) => !asked.has(key));
      for (const [key] of retired) made.delete(key);
      return retired.map(([, value]) => value);
    },
  };
}
