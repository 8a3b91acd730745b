// What the formats' answers are made of.
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Answer } from "./azure-answer.ts";

/** A whole answer, or a stream's events. */
export type FormatAnswer = Answer | { readonly events: readonly Buffer[] };

export type FormatRequest = {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** What the model says. */
  readonly text: string;
};

export type Play = (request: FormatRequest, match: RegExpExecArray) => FormatAnswer;

export const usage = { input_tokens: 11, output_tokens: 7, total_tokens: 18 };
export const id = (prefix: string): string => `${prefix}_${randomBytes(16).toString("hex")}`;

export function fieldsOf({ body }: FormatRequest): Readonly<Record<string, unknown>> {
  return JSON.parse(body.toString());
}

export function named(events: readonly Readonly<Record<string, unknown>>[]): FormatAnswer {
  return {
    events: events.map((event) =>
      Buffer.from(`event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`),
    ),
  };
}
