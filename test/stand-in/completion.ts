// What the model says, in the three forms Azure gives it: whole, as a stream's events, as vectors.
import { randomBytes } from "node:crypto";
import { type Answer, jsonAnswer } from "./azure-answer.ts";
import type { InferenceRequest } from "./inference-request.ts";

export type Said = {
  /** The content in the pieces in which a stream delivers it. */
  readonly pieces: readonly string[];
  readonly promptTokens: number;
  readonly completionTokens: number;
};

const safe = { filtered: false, severity: "safe" };
const safeContent = { hate: safe, self_harm: safe, sexual: safe, violence: safe };
const promptFilter = [
  {
    prompt_index: 0,
    content_filter_results: { ...safeContent, jailbreak: { filtered: false, detected: false } },
  },
];

const completionId = (): string => `chatcmpl-${randomBytes(15).toString("base64url")}`;
const seconds = (): number => Math.floor(Date.now() / 1000);

const usageOf = (said: Said) => ({
  completion_tokens: said.completionTokens,
  completion_tokens_details: { audio_tokens: 0, reasoning_tokens: 0 },
  prompt_tokens: said.promptTokens,
  prompt_tokens_details: { audio_tokens: 0, cached_tokens: 0 },
  total_tokens: said.promptTokens + said.completionTokens,
});

export function wholeCompletion(request: InferenceRequest, said: Said): Answer {
  return jsonAnswer(200, {
    choices: [
      {
        content_filter_results: safeContent,
        finish_reason: "stop",
        index: 0,
        logprobs: null,
        message: { content: said.pieces.join(""), refusal: null, role: "assistant" },
      },
    ],
    created: seconds(),
    id: completionId(),
    model: request.model,
    object: "chat.completion",
    prompt_filter_results: promptFilter,
    system_fingerprint: "fp_standin",
    usage: usageOf(said),
  });
}

/** "asynchronous": Azure's streaming filter mode, whose chunk after the content has no `delta`. */
export type FilterMode = "default" | "asynchronous";

/** One buffer per event, each with its blank line. */
export function completionEvents(
  request: InferenceRequest,
  said: Said,
  filter: FilterMode,
  ending: "done" | "none",
): readonly Buffer[] {
  const head = {
    created: seconds(),
    id: completionId(),
    model: request.model,
    object: "chat.completion.chunk",
    system_fingerprint: "fp_standin",
  };
  const nameless = { created: 0, id: "", model: "", object: "" };
  const choice = (delta: object, finish: string | null, results: object) => ({
    choices: [
      { content_filter_results: results, delta, finish_reason: finish, index: 0, logprobs: null },
    ],
    ...head,
  });

  const chunks: object[] = [
    { choices: [], ...nameless, prompt_filter_results: promptFilter },
    choice({ content: "", refusal: null, role: "assistant" }, null, {}),
    ...said.pieces.map((content) => choice({ content }, null, safeContent)),
    choice({}, "stop", {}),
  ];
  if (filter === "asynchronous") {
    const end = said.pieces.join("").length;
    chunks.push({
      choices: [
        {
          content_filter_offsets: { check_offset: 0, start_offset: 0, end_offset: end },
          content_filter_results: safeContent,
          finish_reason: null,
          index: 0,
        },
      ],
      ...nameless,
    });
  }
  const withUsage = request.includeUsage
    ? [
        ...chunks.map((chunk) => ({ ...chunk, usage: null })),
        { choices: [], ...head, usage: usageOf(said) },
      ]
    : chunks;

  const data = withUsage.map((chunk) => JSON.stringify(chunk));
  if (ending === "done") data.push("[DONE]");
  return data.map((text) => Buffer.from(`data: ${text}\n\n`));
}

const vector = (index: number) => Array.from({ length: 8 }, (_, n) => (index + 1) / (n + 2));

/** Eight numbers per input, the same for the same place in the list. */
export function embeddings(request: InferenceRequest): Answer {
  const encoded = (numbers: readonly number[]) =>
    request.encoding === "float"
      ? numbers
      : Buffer.from(new Float32Array(numbers).buffer).toString("base64");
  return jsonAnswer(200, {
    object: "list",
    data: request.inputs.map((_input, index) => ({
      object: "embedding",
      index,
      embedding: encoded(vector(index)),
    })),
    model: request.model,
    usage: { prompt_tokens: request.promptTokens, total_tokens: request.promptTokens },
  });
}
