// The Realtime API as Azure serves it over a WebSocket: a session at /openai/v1/realtime?model= and,
// in dated versions, at /openai/realtime?api-version=&deployment=; any other path or query is a 404.
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { type Answer, deploymentNotFound, resourceNotFound } from "./azure-answer.ts";
import type { TokenRecord } from "./tokens.ts";

export type RealtimeEvent = Readonly<Record<string, unknown>>;

/** A session as the stand-in sees it. */
export type RealtimeSession = {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly token: TokenRecord | undefined;
  readonly model: string;
  /** What the client has sent. */
  readonly events: readonly RealtimeEvent[];
  readonly socket: WebSocket;
  readonly tcp: Socket;
  /** Resolves with the close code the client sent; 1006 when it just left. */
  readonly whenClosed: Promise<number>;
};

/** Of every response. */
export const sessionUsage = { total_tokens: 18, input_tokens: 11, output_tokens: 7 };

/** The deployment that a handshake asks for, or the refusal of it. */
export function deploymentAsked(
  target: string,
  deployments: readonly string[] | undefined,
): string | Answer {
  const { pathname, searchParams: query } = new URL(target, "http://stand-in");
  const version = query.get("api-version");
  const v1 = pathname === "/openai/v1/realtime" && (version === null || version === "preview");
  const dated = pathname === "/openai/realtime" && /^\d{4}-\d\d-\d\d/.test(version ?? "");
  if (!v1 && !dated) return resourceNotFound();
  const named = query.getAll(v1 ? "model" : "deployment");
  const [model = query.get("intent") ?? ""] = named;
  if (named.length > 1 || model === "") return resourceNotFound();
  const exists = deployments === undefined || deployments.includes(model);
  return exists ? model : deploymentNotFound();
}

const server = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => (offered.has("realtime") ? "realtime" : false),
});

export function beginSession(
  request: IncomingMessage,
  tcp: Socket,
  head: Buffer,
  token: TokenRecord | undefined,
  model: string,
  text: string,
): Promise<RealtimeSession> {
  return new Promise((resolve) => {
    server.handleUpgrade(request, tcp, head, (socket) => {
      const events: RealtimeEvent[] = [];
      const say = (type: string, more: RealtimeEvent = {}) =>
        socket.send(JSON.stringify({ type, event_id: id("event"), ...more }));
      const whenClosed = new Promise<number>((tell) => {
        socket.once("close", (code) => tell(code));
      });
      socket.on("error", () => undefined);
      socket.on("message", (data) => {
        const event: RealtimeEvent = JSON.parse(String(data));
        events.push(event);
        if (event["type"] === "session.update")
          say("session.updated", { session: event["session"] });
        if (event["type"] === "conversation.item.create") {
          say("conversation.item.added", { item: event["item"] });
        }
        if (event["type"] === "response.create") respond(say, text);
      });
      const { url = "", headers } = request;
      resolve({ path: url, headers, token, model, events, socket, tcp, whenClosed });
      say("session.created", { session: { type: "realtime", id: id("sess"), model } });
    });
  });
}

function respond(say: (type: string, more: RealtimeEvent) => void, text: string): void {
  const response = { id: id("resp"), object: "realtime.response" };
  say("response.created", { response: { ...response, status: "in_progress", usage: null } });
  for (const delta of text.match(/\S+\s*/g) ?? []) {
    say("response.output_text.delta", { response_id: response.id, delta });
  }
  say("response.output_text.done", { response_id: response.id, text });
  say("response.done", { response: { ...response, status: "completed", usage: sessionUsage } });
}

function id(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString("hex")}`;
}
