import type { Tokens } from "../../request/access-record.ts";

/** What an AI endpoint takes and says. */
export type Format = {
  readonly name: "completions" | "embeddings" | "responses";
  /** Member without which the body makes no sense. */
  readonly required: string;
  /** Whether a stream tells its usage only when `stream_options.include_usage` asks for it. */
  readonly usageOnRequest: boolean;
};

const completions: Format = { name: "completions", required: "messages", usageOnRequest: true };

/** By the end of the caller's path; what matches none is a chat completion, as in agentgateway. */
const formats: readonly (readonly [suffix: string, format: Format])[] = [
  ["/chat/completions", completions],
  ["/embeddings", { name: "embeddings", required: "input", usageOnRequest: false }],
  ["/responses", { name: "responses", required: "input", usageOnRequest: false }],
];

/** @param path without query */
export function formatOf(path: string): Format {
  return formats.find(([suffix]) => path.endsWith(suffix))?.[1] ?? completions;
}

/** Usage as chat completions, embeddings and responses write it; undefined for anything else. */
export function tokensOf(usage: unknown): Tokens | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  const count = (...names: readonly string[]): number | undefined => {
    for (const name of names) {
      const value: unknown = Reflect.get(usage, name);
      if (typeof value === "number") return value;
    }
    return undefined;
  };
  const input = count("prompt_tokens", "input_tokens");
  if (input === undefined) return undefined;
  const output = count("completion_tokens", "output_tokens") ?? 0;
  return { input, output, total: count("total_tokens") ?? input + output };
}
