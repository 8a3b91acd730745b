// Audio up, audio down: large, binary, and of use while it is still under way.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { heardIn } from "../../stand-in/ai-services/transcription.ts";
import { pseudoRandom } from "../../stand-in/pseudo-random.ts";
import { call, open, replyOf } from "../../gateway/caller.ts";
import { behindGateway, key } from "./behind-gateway.ts";

const credential = { "ocp-apim-subscription-key": key };
const transcribe = "/speechtotext/transcriptions:transcribe?api-version=2024-11-15";
const recognize =
  "/stt/speech/recognition/conversation/cognitiveservices/v1?language=en-US&format=simple";
const wav = "audio/wav; codecs=audio/pcm; samplerate=16000";
const synthesize = "/tts/cognitiveservices/v1";
const ssmlHeaders = {
  ...credential,
  "content-type": "application/ssml+xml",
  "x-microsoft-outputformat": "audio-24khz-48kbitrate-mono-mp3",
  "user-agent": "team-search",
};
const ssml =
  '<speak version="1.0" xml:lang="de-DE"><voice name="de-DE-KatjaNeural">Grüße</voice></speak>';

test("fast transcription takes a form of audio and definition", async (t) => {
  const { endpoint, contoso } = await behindGateway(t);
  const audio = Buffer.concat([...pseudoRandom(320_000)]);
  const form = new FormData();
  form.append("audio", new Blob([audio], { type: "audio/wav" }), "grüße.wav");
  form.append("definition", JSON.stringify({ locales: ["de-DE"] }));
  const reply = await fetch(`${endpoint}${transcribe}`, {
    method: "POST",
    headers: credential,
    body: form,
  });
  assert.deepEqual(await reply.json(), {
    durationMilliseconds: 10_000,
    combinedPhrases: [{ text: heardIn(audio) }],
    phrases: [
      {
        offsetMilliseconds: 0,
        durationMilliseconds: 10_000,
        text: heardIn(audio),
        locale: "de-DE",
      },
    ],
  });
  const [received] = contoso.requests;
  assert.equal(received?.path, transcribe);
  assert.match(received?.headers["content-type"] ?? "", /^multipart\/form-data; boundary=/);
  assert.equal(received?.token?.audience, "https://cognitiveservices.azure.com");
  assert.equal(received?.headers["ocp-apim-subscription-key"], undefined);
});

test(
  "20 MB of audio are at the service before the caller has sent the last of them",
  { timeout: 30_000 },
  async (t) => {
    const { gateway, contoso } = await behindGateway(t);
    const pieces = [...pseudoRandom(20_000_000)];
    const last = pieces.pop();
    const sent = pieces.reduce((bytes, piece) => bytes + piece.length, 0);
    const coming = contoso.whenNext();
    const { request, answer } = open(gateway.origin, {
      method: "POST",
      path: recognize,
      headers: { ...credential, "content-type": wav, "transfer-encoding": "chunked" },
    });
    for (const piece of pieces) if (!request.write(piece)) await once(request, "drain");
    const received = await coming;
    // Whoever waits for the whole body before it sends any waits here for good.
    while (received.bodyLength < sent) await new Promise((resolve) => setTimeout(resolve, 5));
    request.end(last);
    const { status, body } = await replyOf(await answer);
    assert.equal(status, 200);
    const audio = Buffer.concat([...pseudoRandom(20_000_000)]);
    assert.partialDeepStrictEqual(JSON.parse(body.toString()), {
      RecognitionStatus: "Success",
      DisplayText: heardIn(audio),
    });
    assert.equal(received.headers["content-type"], wav);
  },
);

test("batch transcription is asked for where its Location says, at the gateway", async (t) => {
  const { endpoint } = await behindGateway(t);
  const headers = { ...credential, "content-type": "application/json" };
  const begun = await fetch(
    `${endpoint}/speechtotext/transcriptions:submit?api-version=2024-11-15`,
    {
      method: "POST",
      headers,
      body: JSON.stringify({ contentUrls: ["https://a.example/b.wav"], locale: "de-DE" }),
    },
  );
  assert.equal(begun.status, 201);
  const location = begun.headers.get("location") ?? "";
  assert.ok(location.startsWith(`${endpoint}/speechtotext/transcriptions/`), location);
  const { self } = Object(await begun.json());
  assert.equal(
    new URL(self).host,
    "contoso.cognitiveservices.azure.com",
    "bodies stay as they are",
  );
  const told = await fetch(location, { headers });
  assert.partialDeepStrictEqual(await told.json(), { status: "NotStarted", locale: "de-DE" });
});

test(
  "synthesised speech is with the caller piece by piece, as it is made",
  { timeout: 20_000 },
  async (t) => {
    const pieces = [...pseudoRandom(1_000_000)];
    const heard = pieces.map(() => Promise.withResolvers<void>());
    const { gateway, contoso } = await behindGateway(t, {
      async *voice() {
        for (const [index, piece] of pieces.entries()) {
          yield piece;
          await heard[index]?.promise;
        }
      },
    });
    const { request, answer } = open(gateway.origin, {
      method: "POST",
      path: synthesize,
      headers: ssmlHeaders,
    });
    request.end(ssml);
    const audio = await answer;
    assert.deepEqual([audio.statusCode, audio.headers["content-type"]], [200, "audio/mpeg"]);
    // The next piece is made only when this one has been heard to its end.
    const stream = audio[Symbol.asyncIterator]();
    for (const [index, piece] of pieces.entries()) {
      let left = piece;
      while (left.length > 0) {
        const { value } = await stream.next();
        assert.ok(Buffer.isBuffer(value) && left.subarray(0, value.length).equals(value));
        left = left.subarray(value.length);
      }
      heard[index]?.resolve();
    }
    assert.equal((await stream.next()).done, true);
    const [received] = contoso.requests;
    assert.equal(received?.path, synthesize);
    assert.equal(received?.body.toString(), ssml);
    assert.partialDeepStrictEqual(received?.headers, {
      "x-microsoft-outputformat": "audio-24khz-48kbitrate-mono-mp3",
      "user-agent": "team-search",
    });
  },
);

test("voices are listed, and what is no SSML is refused in the service's words", async (t) => {
  const { gateway } = await behindGateway(t);
  const voices = await call(gateway.origin, {
    path: "/tts/cognitiveservices/voices/list",
    headers: credential,
  });
  assert.equal(voices.status, 200);
  const refused = await call(gateway.origin, {
    method: "POST",
    path: synthesize,
    headers: { ...ssmlHeaders, "content-type": "text/plain" },
    body: "Hello",
  });
  assert.equal(refused.status, 415);
  assert.equal(refused.headers["x-ms-error-code"], "UnsupportedMediaType");
});
