import type { RouteFormat } from "../../config/run/backend.ts";
import type { Tokens } from "../../request/access-record.ts";

/** What an AI endpoint takes and says. */
export type Format = {
  readonly name: string;
  /** How the request's body is read: as far as is needed to find the model, or not at all. */
  readonly body: "json" | "form" | "unread" | "none";
  /** Its path below an API's root; with an id, where it has one, taken from the caller's. */
  readonly operation: string;
  /** Whether dated versions of Azure's API have the deployment in its path. */
  readonly ofDeployment: boolean;
  /** Member without which the body makes no sense. */
  readonly required: string;
  /** Whether a stream tells its usage only when `stream_options.include_usage` asks for it. */
  readonly usageOnRequest: boolean;
  /** Where prompts are put. */
  readonly prompts: "messages" | "input" | "anthropic" | "none";
};

const common = {
  body: "json",
  ofDeployment: true,
  required: "",
  usageOnRequest: false,
  prompts: "none",
} as const;
const form = { ...common, body: "form" } as const;

const completions: Format = {
  ...common,
  name: "completions",
  operation: "chat/completions",
  required: "messages",
  usageOnRequest: true,
  prompts: "messages",
};
const textCompletions: Format = {
  ...common,
  name: "text_completions",
  operation: "completions",
  required: "prompt",
  usageOnRequest: true,
};
const embeddings: Format = {
  ...common,
  name: "embeddings",
  operation: "embeddings",
  required: "input",
};
const responses: Format = {
  ...common,
  name: "responses",
  operation: "responses",
  ofDeployment: false,
  required: "input",
  prompts: "input",
};
const messages: Format = {
  ...common,
  name: "messages",
  operation: "messages",
  required: "messages",
  prompts: "anthropic",
};
const tokenCount: Format = {
  ...messages,
  name: "anthropic_token_count",
  operation: "messages/count_tokens",
};
const images: Format = {
  ...common,
  name: "images",
  operation: "images/generations",
  required: "prompt",
};
const speech: Format = {
  ...common,
  name: "speech",
  operation: "audio/speech",
  required: "input",
};
const models: Format = {
  ...common,
  name: "models",
  body: "none",
  operation: "models",
  ofDeployment: false,
};
/** A session over a WebSocket; the other calls of its API are carried as they are. */
const realtime: Format = {
  ...common,
  name: "realtime",
  body: "unread",
  operation: "realtime",
  ofDeployment: false,
};
const realtimeSessions: Format = {
  ...common,
  name: "realtime_sessions",
  operation: "realtime/sessions",
  ofDeployment: false,
  required: "model",
};
/** A response that is stored: read, cancelled, deleted. */
const storedResponse: Format = { ...responses, name: "response", body: "unread" };
const passthrough: Format = { ...common, name: "passthrough", body: "unread", operation: "" };

/** By the end of the caller's path, the longest first. */
const formats: readonly (readonly [suffix: string, format: Format])[] = [
  ["/realtime/translations", { ...realtime, operation: "realtime/translations" }],
  ["/messages/count_tokens", tokenCount],
  ["/audio/transcriptions", { ...form, name: "transcriptions", operation: "audio/transcriptions" }],
  ["/audio/translations", { ...form, name: "translations", operation: "audio/translations" }],
  ["/images/generations", images],
  ["/chat/completions", completions],
  ["/images/variations", { ...form, name: "image_variations", operation: "images/variations" }],
  ["/images/edits", { ...form, name: "image_edits", operation: "images/edits" }],
  ["/realtimeapi/sessions", realtimeSessions],
  ["/realtime/sessions", realtimeSessions],
  ["/audio/speech", speech],
  ["/completions", textCompletions],
  ["/embeddings", embeddings],
  ["/responses", responses],
  ["/messages", messages],
  ["/realtime", realtime],
  ["/models", models],
];

/** What cannot be told by the end, since an id stands there. */
const byId: readonly (readonly [path: RegExp, format: Format])[] = [
  [/\/responses\/[^/]/, storedResponse],
  [/\/realtime\/[^/]/, { ...realtime, name: "realtime_call" }],
  [/\/(?:openai|v1)\/models\/[^/]+$/, models],
];

/** agentgateway's names, for `policies.ai.routes`. */
const named: Readonly<Record<RouteFormat, Format>> = {
  completions,
  responses,
  embeddings,
  messages,
  anthropicTokenCount: tokenCount,
  models,
  realtime,
  passthrough,
};

/**
 * What a path means. What matches nothing is a chat completion, as in agentgateway.
 * @param path without query
 * @param routes the config's own, which come first
 */
export function formatOf(
  path: string,
  routes: readonly (readonly [suffix: string, format: RouteFormat])[] = [],
): Format {
  for (const [suffix, format] of routes) {
    if (suffix === "*" || path.endsWith(suffix)) return named[format];
  }
  for (const [suffix, format] of formats) if (path.endsWith(suffix)) return format;
  for (const [pattern, format] of byId) if (pattern.test(path)) return format;
  return completions;
}

/**
 * Usage as the APIs write it; undefined for anything else. What Anthropic's reads from its cache or
 * writes to it stands beside its `input_tokens`, and counts as input.
 *
 * @param before what an earlier event of the same stream said: the end of one of Anthropic's tells
 *   the output alone
 */
export function tokensOf(usage: unknown, before?: Tokens): Tokens | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  const count = (...names: readonly string[]): number | undefined => {
    for (const name of names) {
      const value: unknown = Reflect.get(usage, name);
      if (typeof value === "number") return value;
    }
    return undefined;
  };
  const cached =
    (count("cache_creation_input_tokens") ?? 0) + (count("cache_read_input_tokens") ?? 0);
  const said = count("prompt_tokens", "input_tokens");
  const output = count("completion_tokens", "output_tokens");
  const input = said === undefined ? before?.input : said + cached;
  if (input === undefined || (said === undefined && output === undefined)) return undefined;
  return {
    input,
    output: output ?? 0,
    total: count("total_tokens") ?? input + (output ?? 0),
  };
}
