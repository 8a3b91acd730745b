// The stand-in refuses what the services refuse, so that a call that reaches it wrongly made is seen.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createTokens } from "../tokens.ts";
import { startAccount } from "./account.ts";

const tokens = createTokens();
const account = await startAccount({ tokens });
after(() => account.close());
const origin = `http://localhost:${account.port}`;

const bearer = (audience = "https://cognitiveservices.azure.com", lifetimeSeconds = 60) =>
  `Bearer ${tokens.mint({ identity: "gateway", audience, lifetimeSeconds }).token}`;
const json = { "content-type": "application/json" };
const read = "/documentintelligence/documentModels/prebuilt-read";

type Case = readonly [
  name: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  status: number,
  code: string,
];

const analyzeText = "/contentsafety/text:analyze?api-version=2024-09-01";
const analyzeImage = "/computervision/imageanalysis:analyze?api-version=2024-02-01";
const analyzeDocument = `${read}:analyze?api-version=2024-11-30`;
const transcribe = "/speechtotext/transcriptions:transcribe?api-version=2024-11-15";
const recognize = "/stt/speech/recognition/conversation/cognitiveservices/v1";
const synthesize = "/tts/cognitiveservices/v1";
const ssml = { "content-type": "application/ssml+xml" };

const cases: readonly Case[] = [
  ["no token", "POST", analyzeText, { authorization: "" }, "{}", 401, "401"],
  [
    "a key of its own",
    "POST",
    analyzeText,
    { authorization: "", "api-key": "k" },
    "{}",
    401,
    "401",
  ],
  [
    "a token for Foundry",
    "POST",
    analyzeText,
    { authorization: bearer("https://ai.azure.com") },
    "{}",
    401,
    "401",
  ],
  [
    "a token that has ended",
    "POST",
    analyzeText,
    { authorization: bearer(undefined, -1) },
    "{}",
    401,
    "401",
  ],
  ["an unknown service", "POST", "/vision/v3.2/analyze", json, "{}", 404, "404"],
  ["another method", "GET", analyzeText, {}, "", 404, "404"],
  ["an encoded colon", "POST", analyzeText.replace(":", "%3A"), json, '{"text":"a"}', 404, "404"],
  [
    "no version",
    "POST",
    "/contentsafety/text:analyze",
    json,
    '{"text":"a"}',
    400,
    "InvalidRequest",
  ],
  [
    "another version",
    "POST",
    analyzeText.replace("2024", "2034"),
    json,
    '{"text":"a"}',
    404,
    "404",
  ],
  ["no text", "POST", analyzeText, json, "{}", 400, "InvalidRequestBody"],
  ["text that is not JSON", "POST", analyzeText, {}, "text", 400, "InvalidRequestBody"],
  ["no features", "POST", analyzeImage, json, "{}", 400, "InvalidRequest"],
  ["an image as JSON", "POST", `${analyzeImage}&features=read`, json, "{}", 400, "InvalidRequest"],
  [
    "an unknown model",
    "POST",
    analyzeDocument.replace("read", "x"),
    json,
    '{"urlSource":"u"}',
    404,
    "NotFound",
  ],
  ["no document", "POST", analyzeDocument, json, "{}", 400, "InvalidRequest"],
  [
    "an unknown result",
    "GET",
    `${read}/analyzeResults/x?api-version=2024-11-30`,
    {},
    "",
    404,
    "NotFound",
  ],
  ["audio without a form", "POST", transcribe, json, "{}", 415, "UnsupportedMediaType"],
  ["audio without a language", "POST", recognize, {}, "a", 400, "BadRequest"],
  [
    "audio of no known format",
    "POST",
    `${recognize}?language=en-US`,
    json,
    "a",
    415,
    "UnsupportedMediaType",
  ],
  ["text that is not SSML", "POST", synthesize, json, "{}", 415, "UnsupportedMediaType"],
  ["SSML without a format", "POST", synthesize, ssml, "<speak><voice/></speak>", 400, "BadRequest"],
];
for (const [name, method, path, headers, body, status, code] of cases) {
  test(`${name}: ${status} ${code}`, async () => {
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: bearer(), ...headers },
      ...(method === "GET" ? {} : { body }),
    });
    const { error }: { readonly error: { readonly code: string } } = JSON.parse(
      await answer.text(),
    );
    assert.deepEqual([answer.status, error.code], [status, code]);
    assert.equal(answer.headers.has("www-authenticate"), status === 401);
  });
}

test("a document is taken, waits, is read, told, and forgotten", async () => {
  const headers = { authorization: bearer(), "content-type": "application/pdf" };
  const ask = async (url: string, method = "GET") => {
    const answer = await fetch(url, {
      method,
      headers,
      ...(method === "POST" ? { body: "a" } : {}),
    });
    const text = await answer.text();
    const { status = "" }: { readonly status?: string } = text === "" ? {} : JSON.parse(text);
    return { code: answer.status, status, headers: answer.headers };
  };
  const taken = await ask(`${origin}${analyzeDocument}`, "POST");
  assert.equal(taken.code, 202);
  const location = taken.headers.get("operation-location") ?? "";
  assert.ok(location.startsWith(`${origin}${read}/analyzeResults/`), location);
  for (const status of ["notStarted", "running", "succeeded", "succeeded"]) {
    assert.equal((await ask(location)).status, status);
  }
  assert.equal((await ask(location, "DELETE")).code, 204);
  assert.equal((await ask(location)).code, 404);
});
