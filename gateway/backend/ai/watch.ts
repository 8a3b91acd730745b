import type { IncomingHttpHeaders } from "node:http";
import { answer } from "../../error-answer.ts";
import type { AccessRecord } from "../../request/access-record.ts";
import type { Watch } from "../deliver.ts";
import { createEventSplitter } from "./event-splitter.ts";
import { tokensOf } from "./format.ts";
import { sought } from "./json-member.ts";
import { InvalidJson } from "./invalid-json.ts";
import { type JsonScanner, createJsonScanner } from "./json-scanner.ts";
import type { Plan } from "./rewrite.ts";

/** Told of the id that an answer of the Responses API carries. */
export type OnResponseId = (id: string) => void;

/** Watches an AI answer for its usage; undefined where there is none to see. */
export function watchAnswer(
  status: number,
  headers: IncomingHttpHeaders,
  plan: Plan,
  record: AccessRecord,
  onResponseId: OnResponseId | undefined,
): Watch | undefined {
  const type = headers["content-type"] ?? "";
  const encoded = headers["content-encoding"] !== undefined;
  if (status !== 200 || encoded) return undefined;
  if (type.startsWith("text/event-stream")) return watchEvents(plan, record, onResponseId);
  if (type.startsWith("application/json")) return new JsonWatch(record, onResponseId);
  return undefined;
}

const usageOnly = sought(["usage"]);
const usageAndId = sought(["usage", "id"]);

/** Passes every byte on as it comes and reads `usage` on the way. */
class JsonWatch implements Watch {
  readonly edits = false;
  readonly commentable = false;
  private readonly scanner: JsonScanner;
  private readonly record: AccessRecord;
  private readonly onResponseId: OnResponseId | undefined;
  private readable = true;

  constructor(record: AccessRecord, onResponseId: OnResponseId | undefined) {
    this.scanner = createJsonScanner(onResponseId === undefined ? usageOnly : usageAndId);
    this.record = record;
    this.onResponseId = onResponseId;
  }

  data(chunk: Buffer): Buffer {
    if (!this.readable) return chunk;
    try {
      this.scanner.push(chunk);
    } catch (error) {
      this.unreadable(error);
    }
    return chunk;
  }

  end(): undefined {
    if (!this.readable) return;
    try {
      for (const { key, text } of this.scanner.end().members) {
        const value: unknown = text === undefined ? undefined : JSON.parse(text);
        if (key === "usage") note(value, this.record);
        else if (typeof value === "string") this.onResponseId?.(value);
      }
    } catch (error) {
      this.unreadable(error);
    }
  }

  broken(): undefined {
    return undefined;
  }

  /** It is the caller's to find out. */
  private unreadable(error: unknown): void {
    if (!(error instanceof InvalidJson)) throw error;
    this.readable = false;
  }
}

/** Says whether it was usage. A stream may tell it in parts, the later adding to the earlier. */
function note(usage: unknown, record: AccessRecord): boolean {
  const tokens = tokensOf(usage, record.tokens);
  if (tokens !== undefined) record.tokens = tokens;
  return tokens !== undefined;
}

/**
 * Passes whole events on as they end, byte for byte. Holds back the usage chunk that the caller did
 * not ask for, and ends a broken stream with an error event, which OpenAI's clients raise.
 */
function watchEvents(
  plan: Plan,
  record: AccessRecord,
  onResponseId: OnResponseId | undefined,
): Watch {
  const splitter = createEventSplitter();
  let anthropic = false;
  return {
    edits: plan.hideUsage,
    commentable: true,
    data(chunk) {
      const events = splitter.push(chunk);
      const passed = events.filter((event) => attend(event) === "pass");
      return passed.length < 2 ? passed[0] : Buffer.concat(passed);
    },
    end: () => splitter.rest(),
    broken(refusal) {
      const { body } = answer(refusal.reason);
      // Anthropic's clients want the event's name and its type.
      const event = anthropic
        ? `event: error\ndata: ${JSON.stringify({ type: "error", ...body })}`
        : `data: ${JSON.stringify(body)}`;
      return Buffer.from(`${event}\n\n`);
    },
  };

  function attend(event: Buffer): "pass" | "hold" {
    if (event.includes("message_start")) anthropic ||= eventData(event)["type"] === "message_start";
    if (onResponseId !== undefined && event.includes("response.created")) {
      const { id } = nested(eventData(event)["response"]);
      if (typeof id === "string") onResponseId(id);
    }
    if (!event.includes('"usage"')) return "pass";
    const data = eventData(event);
    const told =
      note(data["usage"], record) ||
      note(nested(data["response"])["usage"], record) ||
      note(nested(data["message"])["usage"], record);
    if (!told) return "pass";
    const { choices } = data;
    const extra = Array.isArray(choices) && choices.length === 0;
    return plan.hideUsage && extra ? "hold" : "pass";
  }
}

/** The JSON object an event carries; an empty one where it carries something else. */
function eventData(event: Buffer): Record<string, unknown> {
  const lines = event.toString().split(/\r\n|\n|\r/);
  const text = lines
    .flatMap((line) => (line.startsWith("data:") ? [line.slice(5)] : []))
    .join("\n");
  try {
    return nested(JSON.parse(text));
  } catch {
    return {};
  }
}

function nested(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
