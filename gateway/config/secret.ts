/**
 * A value that must not be printed. Serialisers, string conversion and the inspector see a
 * placeholder; only a caller that says `reveal` gets the text.
 */
export type Secret = {
  reveal(): string;
  toJSON(): string;
  toString(): string;
};

export const redacted = "[redacted]";

export function secret(text: string): Secret {
  return {
    reveal: () => text,
    toJSON: () => redacted,
    toString: () => redacted,
  };
}

export function isSecret(value: unknown): value is Secret {
  return (
    typeof value === "object" &&
    value !== null &&
    "reveal" in value &&
    typeof value.reveal === "function"
  );
}
