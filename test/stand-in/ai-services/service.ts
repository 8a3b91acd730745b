// What the services of an account have in common: how a call reaches them, and how they refuse one.
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, jsonAnswer } from "../azure-answer.ts";
import type { Recording } from "../received.ts";

export type ServiceCall = {
  readonly method: string;
  /** On the origin that the caller's Host names: what services build their own URLs from. */
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly recording: Recording;
};

/** Undefined: the service has written its answer itself, piece by piece. */
export type Service = (call: ServiceCall) => Promise<Answer | undefined>;

/** Azure's error shape, with the header that repeats its code (Azure REST API guidelines). */
export function serviceError(
  status: number,
  code: string,
  message: string,
  innererror?: { readonly code: string; readonly message: string },
): Answer {
  const error = innererror === undefined ? { code, message } : { code, message, innererror };
  return jsonAnswer(status, { error }, { "x-ms-error-code": code });
}

export const notFound = (): Answer => serviceError(404, "404", "Resource not found");

/** The refusal of a version that the service does not have. */
export function wrongVersion(url: URL, known: readonly string[]): Answer | undefined {
  const asked = url.searchParams.get("api-version");
  if (asked !== null && known.includes(asked)) return undefined;
  return asked === null
    ? serviceError(400, "InvalidRequest", "The api-version query parameter is required.")
    : serviceError(404, "404", "Resource not found");
}

/** Without parameters, lower case. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").replace(/;.*$/s, "").trim().toLowerCase();
}

/** A JSON object; undefined for anything else. */
export async function readJson({
  request,
  recording,
}: ServiceCall): Promise<Readonly<Record<string, unknown>> | undefined> {
  const body = await recording.readBody();
  if (mediaType(request) !== "application/json") return undefined;
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
