// One account of Azure AI services: its custom domain, behind which the services are told apart by
// their paths, and the front end that lets in who brings a token for the right audience, or a key.
import type { IncomingMessage, ServerResponse } from "node:http";
import { bearerOf } from "../authorization.ts";
import { type Answer, unauthorized } from "../azure-answer.ts";
import { type Loopback, type LoopbackOptions, startLoopback } from "../loopback.ts";
import { pseudoRandom } from "../pseudo-random.ts";
import { type Received, record } from "../received.ts";
import type { Tokens } from "../tokens.ts";
import { contentSafety } from "./content-safety.ts";
import { createContentUnderstanding } from "./content-understanding.ts";
import { createDocumentIntelligence } from "./document-intelligence.ts";
import { type Service, notFound } from "./service.ts";
import { type Voice, createSynthesis } from "./synthesis.ts";
import { createTranscription } from "./transcription.ts";
import { vision } from "./vision.ts";

export type AccountOptions = LoopbackOptions & {
  /** The registry its issuers mint into. */
  readonly tokens: Tokens;
  /** The public cloud's unless given. */
  readonly audience?: string;
  readonly voice?: Voice;
};

export type Account = Pick<Loopback, "port" | "close"> & {
  /** In order of arrival, each from its headers on. */
  readonly requests: readonly Received[];
  /** The next request, as soon as its headers are here. */
  whenNext(): Promise<Received>;
};

export async function startAccount(options: AccountOptions): Promise<Account> {
  const { tokens, audience = "https://cognitiveservices.azure.com" } = options;
  const transcription = createTranscription();
  const services: Readonly<Record<string, Service>> = {
    contentsafety: contentSafety,
    computervision: vision,
    documentintelligence: createDocumentIntelligence(),
    contentunderstanding: createContentUnderstanding(),
    speechtotext: transcription,
    stt: transcription,
    tts: createSynthesis(options.voice ?? (() => pseudoRandom(100_000))),
  };
  const requests: Received[] = [];
  const waiting: ((received: Received) => void)[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const token = tokens.find(bearerOf(request.headers) ?? "");
    const recording = record(request, response, token, 40 * 2 ** 20);
    requests.push(recording.received);
    for (const tell of waiting.splice(0)) tell(recording.received);

    const scheme = options.certificate === undefined ? "http" : "https";
    const url = new URL(`${scheme}://${request.headers.host}${request.url}`);
    const welcome = token !== undefined && tokens.isGood(token) && token.audience === audience;
    const service = services[url.pathname.split("/")[1] ?? ""];
    const call = { method: request.method ?? "", url, request, response, recording };
    const answer = welcome ? await (service ?? nothing)(call) : refusal(url, audience);
    if (answer === undefined) return;
    response.writeHead(answer.status, {
      ...answer.headers,
      ...(answer.status === 204 ? {} : { "content-length": String(answer.body.length) }),
    });
    response.end(answer.body);
  };

  const { port, close } = await startLoopback(options, (request, response) => {
    // What is left is a peer that went away, or a mistake here, which the test sees as a reset.
    serve(request, response).catch(() => response.destroy());
  });
  return {
    port,
    close,
    requests,
    whenNext: () => new Promise((tell) => void waiting.push(tell)),
  };
}

const nothing: Service = () => Promise.resolve(notFound());

/** API Management names the header it would take a key from. */
function refusal(url: URL, audience: string): Answer {
  const { status, headers, body } = unauthorized(
    `Access token is missing, invalid, audience is incorrect (${audience}), or have expired.`,
  );
  const challenge = `AzureApiManagementKey realm="${url.origin}/",name="Ocp-Apim-Subscription-Key",type="header"`;
  return { status, headers: { ...headers, "www-authenticate": challenge }, body };
}
