// The formats beside chat completions and embeddings, at the paths where Azure serves each: another
// format's path, or a dated version where none belongs, is a 404.
import { type Answer, azureHeaders, invalidRequest, jsonAnswer } from "./azure-answer.ts";
import {
  type FormatAnswer,
  type FormatRequest,
  type Play,
  fieldsOf,
  id,
  named,
  usage,
} from "./format-answer.ts";
import { images, imageEdits, speech, transcription } from "./media-formats.ts";

const v1 = String.raw`(?:/api/projects/[^/]+)?/openai/v1`;
const dated = String.raw`/openai/deployments/([^/]+)`;

/** What dated versions serve below a deployment. */
const ofDeployments: ReadonlyMap<string, Play> = new Map([
  ["completions", textCompletions],
  ["images/generations", images],
  ["images/edits", imageEdits],
  ["images/variations", imageEdits],
  ["audio/transcriptions", transcription],
  ["audio/translations", transcription],
  ["audio/speech", speech],
]);

const formats: readonly {
  readonly path: RegExp;
  readonly dated: boolean;
  readonly play: Play;
}[] = [
  { path: new RegExp(`^${v1}/responses$`), dated: false, play: responses },
  { path: /^\/openai\/responses$/, dated: true, play: responses },
  { path: new RegExp(`^${v1}/responses/([^/]+)(/cancel)?$`), dated: false, play: storedResponse },
  { path: /^\/openai\/responses\/([^/]+)(\/cancel)?$/, dated: true, play: storedResponse },
  { path: new RegExp(`^${v1}/responses/[^/]+/input_items$`), dated: false, play: inputItems },
  { path: /^\/anthropic\/v1\/messages$/, dated: false, play: messages },
  { path: /^\/anthropic\/v1\/messages\/count_tokens$/, dated: false, play: tokenCount },
  ...[...ofDeployments].flatMap(([operation, play]) => [
    { path: new RegExp(`^${v1}/${operation}$`), dated: false, play },
    { path: new RegExp(`^${dated}/${operation}$`), dated: true, play },
  ]),
  { path: /^\/openai\/v1\/realtime\/client_secrets$/, dated: false, play: clientSecret },
  { path: /^\/openai\/v1\/realtime\/sessions$/, dated: false, play: realtimeSession },
  { path: /^\/openai\/realtimeapi\/sessions$/, dated: true, play: realtimeSession },
  { path: /^\/openai\/v1\/realtime\/calls$/, dated: false, play: realtimeCall },
];

/** Undefined for a path that is none of these. */
export function playFormat(target: string, request: FormatRequest): FormatAnswer | undefined {
  const { pathname, searchParams } = new URL(target, "http://stand-in");
  for (const { path, dated: wanted, play } of formats) {
    const match = path.exec(pathname);
    if (match !== null && (!wanted || searchParams.has("api-version"))) return play(request, match);
  }
  return undefined;
}

function responseOf(model: unknown, text: string, status: string, responseId: string) {
  const done = status === "completed";
  return {
    id: responseId,
    object: "response",
    created_at: 1_750_000_000,
    status,
    model,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    output: done
      ? [
          {
            id: id("msg"),
            type: "message",
            status: "completed",
            role: "assistant",
            content: [{ type: "output_text", text, annotations: [], logprobs: [] }],
          },
        ]
      : [],
    usage: done
      ? {
          ...usage,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens_details: { reasoning_tokens: 0 },
        }
      : null,
  };
}

function textChoice(text: string, finish: string | null) {
  return { choices: [{ index: 0, text, finish_reason: finish, logprobs: null }] };
}

function textCompletions(request: FormatRequest): FormatAnswer {
  const { stream, prompt, stream_options: options } = fieldsOf(request);
  if (prompt === undefined) return invalidRequest("'prompt' is required", "prompt");
  const head = { id: id("cmpl"), object: "text_completion", created: 1_750_000_000 };
  const counted = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
  if (stream !== true)
    return jsonAnswer(200, { ...head, ...textChoice(request.text, "stop"), usage: counted });
  const asked = JSON.stringify(options)?.includes('"include_usage":true') === true;
  const chunks = [
    ...(request.text.match(/\S+\s*/g) ?? []).map((text) => textChoice(text, null)),
    textChoice("", "stop"),
    ...(asked ? [{ choices: [], usage: counted }] : []),
  ];
  const texts = [...chunks.map((chunk) => JSON.stringify({ ...head, ...chunk })), "[DONE]"];
  return { events: texts.map((text) => Buffer.from(`data: ${text}\n\n`)) };
}

function responses(request: FormatRequest): FormatAnswer {
  const { model, stream, input } = fieldsOf(request);
  if (typeof model !== "string") return invalidRequest("you must provide a model", "model");
  if (input === undefined) return invalidRequest("'input' is required", "input");
  const responseId = id("resp");
  const whole = responseOf(model, request.text, "completed", responseId);
  if (stream !== true) return jsonAnswer(200, whole);
  const [item] = whole.output;
  const place = { item_id: item?.id, output_index: 0, content_index: 0 };
  const part = item?.content[0];
  const begun = responseOf(model, "", "in_progress", responseId);
  return named(
    [
      { type: "response.created", response: begun },
      { type: "response.in_progress", response: begun },
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { ...item, content: [], status: "in_progress" },
      },
      { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
      ...(request.text.match(/\S+\s*/g) ?? []).map((delta) => ({
        type: "response.output_text.delta",
        ...place,
        delta,
        logprobs: [],
      })),
      { type: "response.output_text.done", ...place, text: request.text, logprobs: [] },
      { type: "response.content_part.done", ...place, part },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: whole },
    ].map((event, sequence_number) => ({ ...event, sequence_number })),
  );
}

function storedResponse(
  { method, text }: FormatRequest,
  [, responseId = "", cancel]: RegExpExecArray,
): Answer {
  if (cancel !== undefined)
    return jsonAnswer(200, responseOf("gpt-5", "", "cancelled", responseId));
  return method === "DELETE"
    ? jsonAnswer(200, { id: responseId, object: "response", deleted: true })
    : jsonAnswer(200, responseOf("gpt-5", text, "completed", responseId));
}

function inputItems(): Answer {
  return jsonAnswer(200, {
    object: "list",
    data: [],
    first_id: null,
    last_id: null,
    has_more: false,
  });
}

function anthropicError(status: number, type: string, message: string): Answer {
  return jsonAnswer(status, { type: "error", error: { type, message } });
}

function messages(request: FormatRequest): FormatAnswer {
  if (request.headers["anthropic-version"] === undefined)
    return anthropicError(400, "invalid_request_error", "anthropic-version: header is required");
  const { model, stream } = fieldsOf(request);
  const head = {
    id: id("msg"),
    type: "message",
    role: "assistant",
    model,
    stop_reason: null,
    stop_sequence: null,
  };
  const read = { cache_creation_input_tokens: 2, cache_read_input_tokens: 3 };
  const content = [{ type: "text", text: request.text }];
  if (stream !== true) {
    const counted = { input_tokens: 11, output_tokens: 7, ...read };
    return jsonAnswer(200, { ...head, content, stop_reason: "end_turn", usage: counted });
  }
  return named([
    {
      type: "message_start",
      message: { ...head, content: [], usage: { input_tokens: 11, output_tokens: 1, ...read } },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
    ...(request.text.match(/\S+\s*/g) ?? []).map((text) => ({
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text },
    })),
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 7 },
    },
    { type: "message_stop" },
  ]);
}

function tokenCount(): FormatAnswer {
  return jsonAnswer(200, { input_tokens: 11 });
}

function clientSecret(request: FormatRequest): FormatAnswer {
  const { session } = fieldsOf(request);
  return jsonAnswer(200, { value: id("ek"), expires_at: 1_750_000_600, session });
}

function realtimeSession(request: FormatRequest): FormatAnswer {
  const { model } = fieldsOf(request);
  const client_secret = { value: id("ek"), expires_at: 1_750_000_060 };
  return jsonAnswer(200, { id: id("sess"), object: "realtime.session", model, client_secret });
}

/** An offer of WebRTC's in, an answer out. */
function realtimeCall({ body, headers }: FormatRequest): FormatAnswer {
  if (headers["content-type"] !== "application/sdp") return invalidRequest("not an SDP offer");
  return {
    status: 201,
    headers: {
      ...azureHeaders(),
      "content-type": "application/sdp",
      location: `/v1/realtime/calls/${id("rtc")}`,
    },
    body: Buffer.concat([body, Buffer.from("answer")]),
  };
}
