// Images and audio: bodies of forms, answers of bytes, and streams that tell their usage at the end.
import { azureHeaders, invalidRequest, jsonAnswer } from "./azure-answer.ts";
import { type FormatAnswer, type FormatRequest, fieldsOf, named, usage } from "./format-answer.ts";

const imageUsage = { ...usage, input_tokens_details: { text_tokens: 11, image_tokens: 0 } };
const image = Buffer.from("an image").toString("base64");

export function images(request: FormatRequest): FormatAnswer {
  const { prompt, stream } = fieldsOf(request);
  if (prompt === undefined) return invalidRequest("'prompt' is required", "prompt");
  return stream === true ? streamedImage("image_generation") : wholeImage();
}

export function imageEdits(request: FormatRequest): FormatAnswer {
  if (!hasFile(request, "image")) return invalidRequest("no image", "image");
  return isStreamed(request) ? streamedImage("image_edit") : wholeImage();
}

function wholeImage(): FormatAnswer {
  return jsonAnswer(200, {
    created: 1_750_000_000,
    data: [{ b64_json: image }],
    usage: imageUsage,
  });
}

function streamedImage(kind: string): FormatAnswer {
  return named([
    { type: `${kind}.partial_image`, partial_image_index: 0, b64_json: image },
    { type: `${kind}.completed`, b64_json: image, usage: imageUsage },
  ]);
}

export function transcription(request: FormatRequest): FormatAnswer {
  if (!hasFile(request, "file")) return invalidRequest("no file", "file");
  const { text } = request;
  const counted = { type: "tokens", ...usage };
  if (!isStreamed(request)) return jsonAnswer(200, { text, usage: counted });
  return named([
    ...(text.match(/\S+\s*/g) ?? []).map((delta) => ({ type: "transcript.text.delta", delta })),
    { type: "transcript.text.done", text, usage: counted },
  ]);
}

function hasFile({ body, headers }: FormatRequest, name: string): boolean {
  const isForm = headers["content-type"]?.startsWith("multipart/form-data") === true;
  return isForm && new RegExp(`name="${name}(\\[\\])?"; filename=`).test(body.toString("latin1"));
}

function isStreamed({ body }: FormatRequest): boolean {
  return /name="stream"\r\n\r\ntrue\r\n/.test(body.toString("latin1"));
}

/** Bytes that are no text in any encoding. */
export const spoken = Buffer.from([0xff, 0xfb, 0x90, 0x00, 0x0a, 0x0a, 0x0d, 0xc3, 0x28]);

export function speech(): FormatAnswer {
  return {
    status: 200,
    headers: { ...azureHeaders(), "content-type": "audio/mpeg" },
    body: spoken,
  };
}
