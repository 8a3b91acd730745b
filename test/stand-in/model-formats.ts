// The formats beside chat completions and embeddings, at the paths where Azure serves each: another
// format's path, or a dated version where none belongs, is a 404.
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type Answer, azureHeaders, invalidRequest, jsonAnswer } from "./azure-answer.ts";

/** A whole answer, or a stream's events. */
export type FormatAnswer = Answer | { readonly events: readonly Buffer[] };

export type FormatRequest = {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** What the model says. */
  readonly text: string;
};

type Play = (request: FormatRequest, match: RegExpExecArray) => FormatAnswer;

const v1 = String.raw`(?:/api/projects/[^/]+)?/openai/v1`;
const dated = String.raw`/openai/deployments/([^/]+)`;

const formats: readonly {
  readonly path: RegExp;
  readonly dated: boolean;
  readonly play: Play;
}[] = [
  { path: new RegExp(`^${v1}/responses$`), dated: false, play: responses },
  { path: /^\/openai\/responses$/, dated: true, play: responses },
  { path: new RegExp(`^${v1}/responses/([^/]+)$`), dated: false, play: storedResponse },
  { path: /^\/anthropic\/v1\/messages$/, dated: false, play: messages },
  { path: /^\/anthropic\/v1\/messages\/count_tokens$/, dated: false, play: tokenCount },
  { path: new RegExp(`^${v1}/images/generations$`), dated: false, play: images },
  { path: new RegExp(`^${dated}/images/generations$`), dated: true, play: images },
  { path: new RegExp(`^${v1}/audio/transcriptions$`), dated: false, play: transcription },
  { path: new RegExp(`^${dated}/audio/transcriptions$`), dated: true, play: transcription },
  { path: new RegExp(`^${v1}/audio/speech$`), dated: false, play: speech },
  { path: new RegExp(`^${dated}/audio/speech$`), dated: true, play: speech },
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

const usage = { input_tokens: 11, output_tokens: 7, total_tokens: 18 };
const id = (prefix: string): string => `${prefix}_${randomBytes(16).toString("hex")}`;

function fieldsOf({ body }: FormatRequest): Readonly<Record<string, unknown>> {
  return JSON.parse(body.toString());
}

function named(events: readonly Readonly<Record<string, unknown>>[]): FormatAnswer {
  return {
    events: events.map((event) =>
      Buffer.from(`event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`),
    ),
  };
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

function storedResponse({ method, text }: FormatRequest, [, responseId = ""]: RegExpExecArray) {
  return method === "DELETE"
    ? jsonAnswer(200, { id: responseId, object: "response", deleted: true })
    : jsonAnswer(200, responseOf("gpt-5", text, "completed", responseId));
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

function images(): FormatAnswer {
  return jsonAnswer(200, {
    created: 1_750_000_000,
    data: [{ b64_json: Buffer.from("an image").toString("base64") }],
    usage: { ...usage, input_tokens_details: { text_tokens: 11, image_tokens: 0 } },
  });
}

function transcription({ body, headers, text }: FormatRequest): FormatAnswer {
  const form = body.toString("latin1");
  const isForm = headers["content-type"]?.startsWith("multipart/form-data") === true;
  if (!isForm || !form.includes('name="file"')) return invalidRequest("no file", "file");
  return jsonAnswer(200, { text, usage: { type: "tokens", ...usage } });
}

/** Bytes that are no text in any encoding. */
export const spoken = Buffer.from([0xff, 0xfb, 0x90, 0x00, 0x0a, 0x0a, 0x0d, 0xc3, 0x28]);

function speech(): FormatAnswer {
  return {
    status: 200,
    headers: { ...azureHeaders(), "content-type": "audio/mpeg" },
    body: spoken,
  };
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
