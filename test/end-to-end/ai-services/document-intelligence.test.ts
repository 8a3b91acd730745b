// A document is taken with 202, and asked for until it is read, at the URL the answer named. Behind a
// gateway that URL must be the gateway's: the account's own would want a credential the caller lacks.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import createClient, {
  type AnalyzeOperationOutput,
  getLongRunningPoller,
  isUnexpected,
  parseResultIdFromResponse,
} from "@azure-rest/ai-document-intelligence";
import { AzureKeyCredential } from "@azure/core-auth";
import { call } from "../../gateway/caller.ts";
import { type BehindGateway, behindGateway, key } from "./behind-gateway.ts";

const text = "Invoice 42, 1,234.50 EUR";
const base64Source = Buffer.from(text).toString("base64");

async function analyze(endpoint: string) {
  const client = createClient(endpoint, new AzureKeyCredential(key));
  const begun = await client
    .path("/documentModels/{modelId}:analyze", "prebuilt-read")
    .post({ contentType: "application/json", body: { base64Source } });
  assert.ok(!isUnexpected(begun), JSON.stringify(begun.body));
  return { client, begun };
}

async function contentOf({ client, begun }: Awaited<ReturnType<typeof analyze>>) {
  const poller = getLongRunningPoller(client, begun, { intervalInMs: 1 });
  const { body } = await poller.pollUntilDone();
  const { status, analyzeResult } = body as AnalyzeOperationOutput;
  return { status, content: analyzeResult?.content };
}

const asked = ({ contoso, sweden }: BehindGateway) => [
  contoso.requests.length,
  sweden.requests.length,
];

test("Azure's client follows the operation through the gateway to its result", async (t) => {
  const behind = await behindGateway(t);
  const { endpoint, contoso } = behind;
  const started = await analyze(endpoint);
  const id = parseResultIdFromResponse(started.begun);
  assert.equal(
    started.begun.headers["operation-location"],
    `${endpoint}/documentintelligence/documentModels/prebuilt-read/analyzeResults/${id}?api-version=2024-11-30`,
  );
  assert.deepEqual(await contentOf(started), { status: "succeeded", content: text });

  assert.ok(contoso.requests.length >= 4, "taken, waiting, running, done");
  for (const { headers, token } of contoso.requests) {
    assert.equal(token?.audience, "https://cognitiveservices.azure.com");
    assert.equal(headers["ocp-apim-subscription-key"], undefined, "the caller's key stays here");
  }
  assert.ok((await behind.gateway.accessLog(4)).every(({ outcome }) => outcome === "ok"));
});

test("below a prefix the operation is below it as well", async (t) => {
  const { endpoint, contoso, sweden } = await behindGateway(t);
  const started = await analyze(`${endpoint}/sweden`);
  assert.ok(
    String(started.begun.headers["operation-location"]).startsWith(
      `${endpoint}/sweden/documentintelligence/documentModels/prebuilt-read/analyzeResults/`,
    ),
  );
  assert.deepEqual(await contentOf(started), { status: "succeeded", content: text });
  assert.equal(contoso.requests.length, 0);
  assert.ok(sweden.requests.every(({ path }) => path.startsWith("/documentintelligence/")));
});

test("with two accounts, what one has begun is asked of that one", async (t) => {
  let luck = 0;
  const behind = await behindGateway(t, { random: () => luck });
  const first = await analyze(behind.endpoint);
  luck = 0.99;
  const second = await analyze(behind.endpoint);
  assert.deepEqual(asked(behind), [1, 1]);
  // The draw would now send everything to the second.
  assert.equal((await contentOf(first)).content, text);
  assert.equal(behind.sweden.requests.length, 1);
  luck = 0;
  const { length } = behind.contoso.requests;
  assert.equal((await contentOf(second)).content, text);
  assert.equal(behind.contoso.requests.length, length);
});

test("another replica, which has not seen it begin, finds it by asking", async (t) => {
  let luck = 0.99;
  const behind = await behindGateway(t, { random: () => luck });
  const { begun } = await analyze(behind.endpoint);
  const { pathname, search } = new URL(String(begun.headers["operation-location"]));
  luck = 0;
  const { origin, accessLog } = await behind.replica();
  const ask = () => call(origin, { path: pathname + search, headers: { "api-key": key } });
  assert.equal((await ask()).status, 200);
  assert.deepEqual(asked(behind), [1, 2], "the first said that it is not its own");
  assert.equal((await ask()).status, 200);
  assert.deepEqual(asked(behind), [1, 3], "and is not asked again");
  const [line] = await accessLog(2);
  assert.deepEqual(line?.["tries"], [
    { backend: "contoso.cognitiveservices.azure.com:443", status: 404 },
  ]);
});

test("what no account has is the caller's to hear, in the service's words", async (t) => {
  const { endpoint } = await behindGateway(t);
  const client = createClient(endpoint, new AzureKeyCredential(key));
  const unknown = await client
    .path("/documentModels/{modelId}/analyzeResults/{resultId}", "prebuilt-read", randomUUID())
    .get();
  assert.ok(isUnexpected(unknown));
  assert.equal(unknown.status, "404");
  assert.equal(unknown.body.error.innererror?.code, "OperationNotFound");
});

test("Content Understanding does the same dance", async (t) => {
  const { endpoint } = await behindGateway(t);
  const headers = { "api-key": key, "content-type": "application/json" };
  const begun = await fetch(
    `${endpoint}/contentunderstanding/analyzers/prebuilt-invoice:analyze?api-version=2025-11-01`,
    { method: "POST", headers, body: JSON.stringify({ inputs: [{ url: "https://a.example/b" }] }) },
  );
  assert.equal(begun.status, 202);
  const location = begun.headers.get("operation-location") ?? "";
  assert.ok(location.startsWith(`${endpoint}/contentunderstanding/analyzerResults/`), location);
  const states: string[] = [];
  while (states.at(-1) !== "Succeeded") {
    const answer = await fetch(location, { headers });
    const { status }: { readonly status: string } = JSON.parse(await answer.text());
    states.push(status);
  }
  assert.deepEqual(states, ["NotStarted", "Running", "Succeeded"]);
});
