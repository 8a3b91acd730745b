// Vision: image analysis 4.0 (Learn: "Image Analysis REST API, Analyze", 2024-02-01).
import { jsonAnswer } from "../azure-answer.ts";
import {
  type Service,
  mediaType,
  notFound,
  readJson,
  serviceError,
  wrongVersion,
} from "./service.ts";

const versions = ["2023-10-01", "2024-02-01"];
const known = ["caption", "read", "tags", "objects", "people", "denseCaptions", "smartCrops"];
const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export const vision: Service = async (call) => {
  const { method, url, request, recording } = call;
  if (url.pathname !== "/computervision/imageanalysis:analyze" || method !== "POST") {
    return notFound();
  }
  const refused = wrongVersion(url, versions);
  if (refused !== undefined) return refused;
  const features = (url.searchParams.get("features") ?? "").split(",");
  if (!features.every((feature) => known.includes(feature))) {
    return invalid("InvalidRequest", "The features query parameter is missing or not supported.");
  }
  if (mediaType(request) === "application/json") {
    const source = (await readJson(call))?.["url"];
    return typeof source === "string" && URL.canParse(source)
      ? found(features, { width: 640, height: 480 }, `an image of ${new URL(source).hostname}`)
      : invalid("InvalidImageUrl", "The image URL is not accessible.");
  }
  const body = await recording.readBody();
  if (mediaType(request) !== "application/octet-stream") {
    return serviceError(415, "UnsupportedMediaType", "The content type is not supported.");
  }
  if (!body.subarray(0, png.length).equals(png)) {
    return invalid("InvalidImageFormat", "Image format is not valid.");
  }
  // The IHDR chunk comes first (PNG specification, section 11.2.2).
  const size = { width: body.readUInt32BE(16), height: body.readUInt32BE(20) };
  return found(features, size, `an image of ${body.length} bytes`);
};

const invalid = (code: string, message: string) =>
  serviceError(400, "InvalidRequest", message, { code, message });

function found(
  features: readonly string[],
  metadata: { readonly width: number; readonly height: number },
  text: string,
) {
  return jsonAnswer(200, {
    modelVersion: "2023-10-01",
    metadata,
    ...(features.includes("caption") ? { captionResult: { text, confidence: 0.77 } } : {}),
    ...(features.includes("read") ? { readResult: { blocks: [{ lines: [{ text }] }] } } : {}),
  });
}
