// Speech to text on an account's custom domain: fast transcription, batch transcription, and short
// audio below /stt (Learn: "Speech to text REST API", "... for short audio").
import { createHash } from "node:crypto";
import { type Answer, jsonAnswer } from "../azure-answer.ts";
import { createOperations } from "./operations.ts";
import {
  type Service,
  type ServiceCall,
  mediaType,
  notFound,
  readJson,
  serviceError,
  wrongVersion,
} from "./service.ts";

const version = "2024-11-15";
const collection = "/speechtotext/transcriptions";
const shortAudio = "/stt/speech/recognition/conversation/cognitiveservices/v1";
const states = { waiting: "NotStarted", running: "Running", done: "Succeeded" } as const;
/** 16 kHz, 16 bits, mono. */
const bytesPerMillisecond = 32;

/** What is heard in audio: enough to tell it from any other. */
export function heardIn(audio: Uint8Array): string {
  return `${audio.length} bytes of ${createHash("sha256").update(audio).digest("hex")}`;
}

export function createTranscription(): Service {
  const operations = createOperations();

  return async (call) => {
    const { method, url } = call;
    if (url.pathname === shortAudio) return method === "POST" ? recognize(call) : notFound();
    const refused = wrongVersion(url, [version]);
    if (refused !== undefined) return refused;
    if (url.pathname === `${collection}:transcribe` && method === "POST") return transcribe(call);
    if (url.pathname === `${collection}:submit` && method === "POST") return submit(call);
    const id = /^\/speechtotext\/transcriptions\/([^/]+)$/.exec(url.pathname)?.[1];
    return id === undefined || method !== "GET" ? notFound() : tell(url, id);
  };

  async function submit(call: ServiceCall): Promise<Answer> {
    const { contentUrls, locale } = (await readJson(call)) ?? {};
    if (!Array.isArray(contentUrls) || typeof locale !== "string") {
      return serviceError(400, "InvalidRequest", "contentUrls and locale are required.");
    }
    const { id } = operations.begin(Buffer.from(locale));
    const self = `${call.url.origin}${collection}/${id}?api-version=${version}`;
    return jsonAnswer(201, { self, status: "NotStarted", locale }, { location: self });
  }

  function tell(url: URL, id: string): Answer {
    const operation = operations.find(id);
    if (operation === undefined) {
      return serviceError(404, "NotFound", "The specified entity cannot be found.");
    }
    const status = states[operation.state()];
    return jsonAnswer(200, { self: url.href, status, locale: operation.input.toString() });
  }
}

async function transcribe({ request, recording }: ServiceCall): Promise<Answer> {
  const body = await recording.readBody();
  if (mediaType(request) !== "multipart/form-data") {
    return serviceError(415, "UnsupportedMediaType", "The content type is not supported.");
  }
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  const form = await new Response(new Uint8Array(body), { headers }).formData();
  const [audio, definition] = [form.get("audio"), form.get("definition")];
  if (!(audio instanceof Blob) || typeof definition !== "string") {
    return serviceError(400, "InvalidRequest", "audio and definition are required.");
  }
  const { locales = [] }: { readonly locales?: readonly string[] } = JSON.parse(definition);
  const bytes = new Uint8Array(await audio.arrayBuffer());
  const text = heardIn(bytes);
  const durationMilliseconds = Math.round(bytes.length / bytesPerMillisecond);
  return jsonAnswer(200, {
    durationMilliseconds,
    combinedPhrases: [{ text }],
    phrases: [{ offsetMilliseconds: 0, durationMilliseconds, text, locale: locales[0] ?? "en-US" }],
  });
}

async function recognize({ url, request, recording }: ServiceCall): Promise<Answer> {
  const audio = await recording.readBody();
  if (url.searchParams.get("language") === null) {
    return serviceError(400, "BadRequest", "The language query parameter is required.");
  }
  if (!/^audio\/(?:wav|ogg); codecs=/.test(request.headers["content-type"] ?? "")) {
    return serviceError(415, "UnsupportedMediaType", "The audio format is not supported.");
  }
  // In steps of 100 nanoseconds.
  const Duration = Math.round((audio.length / bytesPerMillisecond) * 10_000);
  const DisplayText = heardIn(audio);
  return jsonAnswer(200, { RecognitionStatus: "Success", DisplayText, Offset: 0, Duration });
}
