// Text to speech on an account's custom domain: SSML in, audio out as it is made (Learn: "Text to
// speech REST API").
import { azureHeaders, jsonAnswer } from "../azure-answer.ts";
import { writePiece } from "../paced-body.ts";
import { type Service, mediaType, notFound, serviceError } from "./service.ts";

const formats: Readonly<Record<string, string>> = {
  "audio-24khz-48kbitrate-mono-mp3": "audio/mpeg",
  "riff-24khz-16bit-mono-pcm": "audio/x-wav",
};

/** The audio that is made, piece by piece; the next is asked for when one has been written. */
export type Voice = () => AsyncIterable<Buffer> | Iterable<Buffer>;

export function createSynthesis(voice: Voice): Service {
  return async ({ method, url, request, response, recording }) => {
    if (url.pathname === "/tts/cognitiveservices/voices/list" && method === "GET") {
      return jsonAnswer(200, [{ ShortName: "en-US-AvaNeural", Locale: "en-US", Status: "GA" }]);
    }
    if (url.pathname !== "/tts/cognitiveservices/v1" || method !== "POST") return notFound();
    const ssml = (await recording.readBody()).toString();
    if (mediaType(request) !== "application/ssml+xml") {
      return serviceError(
        415,
        "UnsupportedMediaType",
        "Content-Type must be application/ssml+xml.",
      );
    }
    const type = formats[String(request.headers["x-microsoft-outputformat"])];
    const named = request.headers["user-agent"] !== undefined;
    if (type === undefined || !named || !/<speak\b[^]*<voice\b/.test(ssml)) {
      return serviceError(400, "BadRequest", "A required parameter is missing or invalid.");
    }
    response.writeHead(200, { ...azureHeaders(), "content-type": type });
    response.flushHeaders();
    for await (const piece of voice()) await writePiece(response, recording, piece, "counted");
    response.end();
    return undefined;
  };
}
