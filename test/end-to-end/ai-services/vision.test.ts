import assert from "node:assert/strict";
import { test } from "node:test";
import imageAnalysis, { isUnexpected } from "@azure-rest/ai-vision-image-analysis";
import { AzureKeyCredential } from "@azure/core-auth";
import { behindGateway, key } from "./behind-gateway.ts";

const clientAt = (endpoint: string) =>
  imageAnalysis.default(endpoint, new AzureKeyCredential(key), { apiVersion: "2024-02-01" });
const queryParameters = { features: ["caption", "read"] };

/** The beginning of a PNG image of 300 by 200, and enough behind it to be no small body. */
const image = Buffer.concat([
  Buffer.from("89504e470d0a1a0a0000000d494844520000012c000000c80802000000", "hex"),
  Buffer.alloc(500_000, 0xa5),
]);

test("Azure's client sends an image and reads what is in it", async (t) => {
  const { endpoint, contoso } = await behindGateway(t);
  const analyzed = await clientAt(endpoint)
    .path("/imageanalysis:analyze")
    .post({ body: image, queryParameters, contentType: "application/octet-stream" });
  assert.ok(!isUnexpected(analyzed), JSON.stringify(analyzed.body));
  const { metadata, captionResult, readResult } = analyzed.body;
  assert.deepEqual(metadata, { width: 300, height: 200 });
  assert.equal(captionResult?.text, `an image of ${image.length} bytes`);
  assert.equal(readResult?.blocks[0]?.lines[0]?.text, captionResult?.text);

  const [received] = contoso.requests;
  assert.ok(received !== undefined);
  const { pathname, searchParams } = new URL(received.path, endpoint);
  assert.equal(pathname, "/computervision/imageanalysis:analyze");
  assert.deepEqual(
    [searchParams.get("features"), searchParams.get("api-version")],
    ["caption,read", "2024-02-01"],
  );
  assert.equal(received.headers["content-type"], "application/octet-stream");
  assert.deepEqual(received.body, image);
});

test("Azure's client names an image by its URL", async (t) => {
  const { endpoint, contoso } = await behindGateway(t);
  const analyzed = await clientAt(endpoint)
    .path("/imageanalysis:analyze")
    .post({
      body: { url: "https://images.example/cat.png" },
      queryParameters,
      contentType: "application/json",
    });
  assert.ok(!isUnexpected(analyzed), JSON.stringify(analyzed.body));
  assert.equal(analyzed.body.captionResult?.text, "an image of images.example");
  assert.equal(contoso.requests[0]?.token?.audience, "https://cognitiveservices.azure.com");
});

test("what is no image is refused in the service's words", async (t) => {
  const { endpoint } = await behindGateway(t);
  const refused = await clientAt(endpoint)
    .path("/imageanalysis:analyze")
    .post({ body: Buffer.from("GIF"), queryParameters, contentType: "application/octet-stream" });
  assert.ok(isUnexpected(refused));
  assert.deepEqual(
    [refused.status, refused.body.error.innererror?.code],
    ["400", "InvalidImageFormat"],
  );
});
