// A server that behaves like Azure AI Content Safety: Analyze Text and Shield Prompt with their limits
// and errors (learn.microsoft.com/rest/api/contentsafety/text-operations). What it finds wrong is told
// by words that stand in the text.
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { bearerOf, refusal } from "./authorization.ts";
import { type Answer, jsonAnswer } from "./azure-answer.ts";
import { send } from "./exchange.ts";
import { type Loopback, type LoopbackOptions, startLoopback } from "./loopback.ts";
import { type Received, record } from "./received.ts";
import { createScript, type Script } from "./script.ts";
import { createTokens, type Tokens } from "./tokens.ts";

/** `harm-Violence-4` in a text is violence of severity 4; `attack!` is an attack on the model. */
const harm = /harm-(Hate|SelfHarm|Sexual|Violence)-([0246])/g;
const attack = "attack!";

export type ContentSafetyBehaviour =
  | { readonly kind: "answer"; readonly delayMs?: number }
  | { readonly kind: "status"; readonly status: number; readonly code: string }
  /** 200 with this body. */
  | { readonly kind: "body"; readonly body: string }
  | { readonly kind: "hang" };

export type ContentSafetyOptions = LoopbackOptions & {
  readonly tokens?: Tokens;
  readonly apiKeys?: readonly string[];
  /** Terms by the blocklist they are in. */
  readonly blocklists?: Readonly<Record<string, readonly string[]>>;
};

export type ContentSafety = Pick<
  Loopback,
  "origin" | "port" | "close" | "refuseConnections" | "acceptConnections" | "dropIdleConnections"
> &
  Script<ContentSafetyBehaviour> & {
    readonly requests: readonly Received[];
    /** Most calls that were under way at a time. */
    readonly atOnce: number;
    whenReceived(count: number): Promise<Received>;
    reset(): void;
  };

const versions: Readonly<Record<string, readonly string[]>> = {
  "text:analyze": ["2023-10-01", "2024-02-15-preview", "2024-09-01", "2024-09-15-preview"],
  "text:shieldPrompt": ["2024-02-15-preview", "2024-09-01", "2024-09-15-preview"],
};
const limit = 10_000;

type Fields = Readonly<Record<string, unknown>>;

export async function startContentSafety(
  options: ContentSafetyOptions = {},
): Promise<ContentSafety> {
  const { tokens = createTokens(), apiKeys = [], blocklists = {} } = options;
  const admission = {
    tokens,
    audiences: ["https://cognitiveservices.azure.com"],
    apiKeys: [],
    accept: "minted",
  } as const;
  const script = createScript<ContentSafetyBehaviour>();
  let requests: Received[] = [];
  let waiting: { readonly count: number; readonly tell: (received: Received) => void }[] = [];
  let underWay = 0;
  let most = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const behaviour = script.take() ?? { kind: "answer" };
    const token = tokens.find(bearerOf(request.headers) ?? "");
    const recording = record(request, response, token, 2 ** 20);
    requests.push(recording.received);
    for (const { count, tell } of waiting) if (count === requests.length) tell(recording.received);
    waiting = waiting.filter(({ count }) => count > requests.length);
    underWay += 1;
    most = Math.max(most, underWay);
    response.once("close", () => (underWay -= 1));

    const body = await recording.readBody();
    const exchange = { request, response, recording, tcp: request.socket };
    const key = request.headers["ocp-apim-subscription-key"];
    const refused =
      typeof key === "string" && apiKeys.includes(key)
        ? undefined
        : refusal(request.headers, token, admission);
    if (behaviour.kind === "hang") return;
    if (behaviour.kind === "status")
      return send(exchange, error(behaviour.status, behaviour.code, "The request has failed."));
    if (refused !== undefined) return send(exchange, refused);
    if (behaviour.kind === "body")
      return send(exchange, { ...jsonAnswer(200, {}), body: Buffer.from(behaviour.body) });
    if (behaviour.delayMs !== undefined) await pause(behaviour.delayMs);
    send(exchange, answerTo(request, body, blocklists));
  };

  const loopback = await startLoopback(options, (request, response) => {
    serve(request, response).catch((cause: unknown) => {
      if (response.closed || response.destroyed) return;
      response.writeHead(500, { "content-type": "text/plain" });
      response.end(`the stand-in itself failed: ${String(cause)}`);
    });
  });

  return {
    ...loopback,
    get requests() {
      return requests;
    },
    get atOnce() {
      return most;
    },
    next: script.next,
    always: script.always,
    whenReceived(count) {
      const here = requests[count - 1];
      if (here !== undefined) return Promise.resolve(here);
      return new Promise((tell) => waiting.push({ count, tell }));
    },
    reset() {
      script.reset();
      loopback.endRequests();
      requests = [];
      most = underWay;
    },
  };
}

const error = (status: number, code: string, message: string): Answer =>
  jsonAnswer(status, { error: { code, message, details: [] } }, { "x-ms-error-code": code });
const badBody = (message: string): Answer => error(400, "InvalidRequestBody", message);

function answerTo(
  { url, method, headers }: IncomingMessage,
  body: Buffer,
  blocklists: Readonly<Record<string, readonly string[]>>,
): Answer {
  const { pathname, searchParams } = new URL(url ?? "/", "http://stand-in");
  const operation = /^\/contentsafety\/(.+)$/.exec(pathname)?.[1] ?? "";
  const known = Object.hasOwn(versions, operation) ? versions[operation] : undefined;
  if (known === undefined || method !== "POST") return error(404, "404", "Resource not found");
  if (!known.includes(searchParams.get("api-version") ?? ""))
    return error(400, "UnsupportedApiVersion", "The API version is missing or not supported.");
  if (headers["content-type"] !== "application/json")
    return error(415, "UnsupportedMediaType", "The media type is not supported.");
  let fields: Fields;
  try {
    fields = JSON.parse(body.toString());
  } catch {
    return badBody("The request body is not valid JSON.");
  }
  return operation === "text:analyze" ? analyze(fields, blocklists) : shield(fields);
}

function analyze(
  { text, blocklistNames = [], haltOnBlocklistHit = false, outputType, ...rest }: Fields,
  blocklists: Readonly<Record<string, readonly string[]>>,
): Answer {
  if (Object.keys(rest).length > 0) return badBody(`Unknown: ${Object.keys(rest).join()}.`);
  if (typeof text !== "string" || text === "") return badBody("The text field is required.");
  if (length(text) > limit)
    return badBody(
      `The requested text contains ${length(text)} characters. The limit is ${limit}.`,
    );
  if (outputType !== undefined && outputType !== "FourSeverityLevels")
    return badBody("The outputType is not one that is played here.");
  if (!Array.isArray(blocklistNames)) return badBody("The blocklistNames field is not a list.");
  const hits: object[] = [];
  for (const name of blocklistNames) {
    const terms = blocklists[String(name)];
    if (terms === undefined) return error(404, "NotFound", `Blocklist ${name} was not found.`);
    for (const term of terms.filter((each) => text.includes(each))) {
      hits.push({ blocklistName: name, blocklistItemId: "1", blocklistItemText: term });
    }
  }
  const halted = haltOnBlocklistHit === true && hits.length > 0;
  const found = new Map<string, number>();
  for (const [, category = "", severity] of text.matchAll(harm)) {
    found.set(category, Math.max(found.get(category) ?? 0, Number(severity)));
  }
  const categories = ["Hate", "SelfHarm", "Sexual", "Violence"];
  return jsonAnswer(200, {
    blocklistsMatch: hits,
    categoriesAnalysis: halted
      ? []
      : categories.map((category) => ({ category, severity: found.get(category) ?? 0 })),
  });
}

function shield({ userPrompt, documents, ...rest }: Fields): Answer {
  if (Object.keys(rest).length > 0) return badBody(`Unknown: ${Object.keys(rest).join()}.`);
  if (userPrompt === undefined && documents === undefined)
    return badBody("Either userPrompt or documents is required.");
  if (userPrompt !== undefined && typeof userPrompt !== "string")
    return badBody("The userPrompt field is not a text.");
  const texts: string[] = [];
  for (const text of Array.isArray(documents) ? documents : []) texts.push(String(text));
  const total = texts.reduce((sum, text) => sum + length(text), 0);
  if (length(userPrompt ?? "") > limit || total > limit || texts.length > 5)
    return badBody("The request has more characters or documents than the service takes.");
  return jsonAnswer(200, {
    ...(userPrompt === undefined
      ? {}
      : { userPromptAnalysis: { attackDetected: userPrompt.includes(attack) } }),
    documentsAnalysis: texts.map((text) => ({ attackDetected: text.includes(attack) })),
  });
}

/** Unicode code points. */
function length(text: string): number {
  return [...text].length;
}
