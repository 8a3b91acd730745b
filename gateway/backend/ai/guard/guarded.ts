import type { IncomingMessage } from "node:http";
import { Refusal } from "../../../errors.ts";
import type { Exchange } from "../../../request/exchange.ts";
import type { Try } from "../../attempt.ts";
import type { Form } from "../form.ts";
import type { Format } from "../format.ts";
import type { ModelBackend } from "../model-backend.ts";
import { guardedTransport } from "./answer.ts";
import { type RunningGuards, askGuards } from "./guard.ts";
import { requireOneReading } from "./one-reading.ts";
import { type Said, isGenerated, isTold, saidToModel } from "./said.ts";

/** A request's body as it was read. */
export type GuardedBody = {
  readonly chunks: readonly Buffer[];
  /** Present where the body is one. */
  readonly form: Form | undefined;
};

/**
 * Has a request checked, once, before any backend is tried; and gives back the backends so that their
 * answers are checked before the caller sees a byte of them. What the caller wrote is checked, not
 * what the config adds to it.
 *
 * @param prepare refuses what no backend would be sent, before a guard is asked about it
 */
export async function guarded(
  exchange: Exchange,
  guards: RunningGuards,
  format: Format,
  body: GuardedBody,
  backends: readonly ModelBackend[],
  prepare: (backend: ModelBackend) => Try,
): Promise<readonly ModelBackend[]> {
  if (format.name === "realtime_sessions") refuseSession(backends);
  const [first] = backends;
  if (first !== undefined) prepare(first);
  if (guards.request.length > 0 && (format.body === "form" || isTold(format.name))) {
    await checkRequest(exchange, guards, () =>
      body.form === undefined
        ? saidInJson(format, body.chunks, exchange.request.headers["content-type"])
        : saidInForm(body.form),
    );
  }
  if (guards.response.length === 0 || !isGenerated(format.name)) return backends;
  return backends.map((backend) => ({
    ...backend,
    transport: guardedTransport(backend.transport, exchange, guards, format.name),
  }));
}

/** Refuses a body that goes on unread, where what goes on is to be checked. */
export function refuseUnread(
  { headers }: IncomingMessage,
  backends: readonly ModelBackend[],
): void {
  const length = headers["content-length"] ?? "0";
  if (length === "0" && headers["transfer-encoding"] === undefined) return;
  if (backends.every(({ guards }) => guards === undefined || guards.request.length === 0)) return;
  throw new Refusal({ kind: "uncheckable_body", detail: "it is of no kind that is read here" });
}

/** Refuses a session, in which what is said goes both ways unread, where it is to be checked. */
export function refuseSession(backends: readonly ModelBackend[]): void {
  if (backends.every(({ guards }) => guards === undefined)) return;
  throw new Refusal({ kind: "uncheckable_body", detail: "what a session says is not read here" });
}

async function checkRequest(
  exchange: Exchange,
  { request }: RunningGuards,
  listen: () => Promise<readonly Said[]> | readonly Said[],
): Promise<void> {
  const ending = new AbortController();
  const stop = (reason: Refusal): void => ending.abort(reason);
  exchange.work = { abandon: () => stop(new Refusal({ kind: "client_closed" })) };
  if (exchange.closed) exchange.work.abandon();
  const late = setTimeout(() => stop(new Refusal({ kind: "request_timeout" })), timeLeft(exchange));
  try {
    await askGuards(exchange, "request", request, listen, ending.signal);
  } finally {
    clearTimeout(late);
    exchange.work = undefined;
  }
}

/** Milliseconds until the answer must have begun; a timer's longest where the route has no limit. */
function timeLeft({ arrived, timeouts }: Exchange): number {
  const limit = Math.min(timeouts.request ?? Infinity, timeouts.total ?? Infinity);
  const left = arrived + limit - performance.now();
  return Math.max(0, Math.min(left, 2 ** 31 - 1));
}

async function saidInJson(
  { name }: Format,
  chunks: readonly Buffer[],
  type = "",
): Promise<readonly Said[]> {
  // JSON between systems is UTF-8 (RFC 8259, section 8.1), but a backend might do as it is told.
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1] ?? "utf-8";
  if (!/^utf-?8$/i.test(charset)) {
    throw new Refusal({ kind: "uncheckable_body", detail: "it is not in UTF-8" });
  }
  const bytes = Buffer.concat(chunks);
  await requireOneReading(bytes);
  return saidToModel(name, JSON.parse(bytes.toString()));
}

function saidInForm({ fields }: Form): readonly Said[] {
  return fields.flatMap(({ name, text }) =>
    name === "prompt" && text !== "" ? [{ voice: "user" as const, text }] : [],
  );
}
