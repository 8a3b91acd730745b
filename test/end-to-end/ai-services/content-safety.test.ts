import assert from "node:assert/strict";
import { test } from "node:test";
import createClient, { isUnexpected } from "@azure-rest/ai-content-safety";
import { AzureKeyCredential } from "@azure/core-auth";
import { violentWord } from "../../stand-in/ai-services/content-safety.ts";
import { behindGateway, key } from "./behind-gateway.ts";

const clientAt = (endpoint: string, secret = key) =>
  createClient(endpoint, new AzureKeyCredential(secret), { apiVersion: "2024-09-01" });

test("Azure's client has text analysed, colon in the path and all", async (t) => {
  const { endpoint, gateway, contoso } = await behindGateway(t);
  const analyzed = await clientAt(endpoint)
    .path("/text:analyze")
    .post({ body: { text: `A ${violentWord}.` } });
  assert.ok(!isUnexpected(analyzed), JSON.stringify(analyzed.body));
  const severities = analyzed.body.categoriesAnalysis.map(
    ({ category, severity }) => [category, severity] as const,
  );
  assert.equal(Object.fromEntries(severities)["Violence"], 4);

  const [received] = contoso.requests;
  assert.deepEqual(
    [received?.method, received?.path],
    ["POST", "/contentsafety/text:analyze?api-version=2024-09-01"],
  );
  assert.equal(received?.token?.audience, "https://cognitiveservices.azure.com");
  assert.equal(received?.headers["ocp-apim-subscription-key"], undefined);
  const [line] = await gateway.accessLog(1);
  assert.partialDeepStrictEqual(line, {
    route: "content-safety",
    caller: { key: "team-search" },
    path: "/contentsafety/text:analyze",
    status: 200,
  });
});

test("the service's own errors reach the caller as they are", async (t) => {
  const { endpoint } = await behindGateway(t);
  const refused = await clientAt(endpoint)
    .path("/text:analyze")
    .post({ body: { text: "" } });
  assert.ok(isUnexpected(refused));
  assert.deepEqual(
    [refused.status, refused.headers["x-ms-error-code"], refused.body.error.code],
    ["400", "InvalidRequestBody", "InvalidRequestBody"],
  );
});

test("whoever brings no key of the gateway's reaches no service", async (t) => {
  const { endpoint, contoso } = await behindGateway(t);
  const refused = await clientAt(endpoint, "somebody-else")
    .path("/text:analyze")
    .post({ body: { text: "Hello" } });
  assert.equal(refused.status, "401");
  assert.equal(contoso.requests.length, 0);
});

test("a token for another audience is refused by the service, with its challenge", async (t) => {
  const { endpoint, contoso } = await behindGateway(t, {
    change: (yaml) =>
      yaml.replace("azure:", "azure:\n              scope: https://ai.azure.com/.default"),
  });
  const refused = await fetch(`${endpoint}/contentsafety/text:analyze?api-version=2024-09-01`, {
    method: "POST",
    headers: { "api-key": key, "content-type": "application/json" },
    body: JSON.stringify({ text: "Hello" }),
  });
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get("www-authenticate") ?? "", /Ocp-Apim-Subscription-Key/);
  assert.match(await refused.text(), /audience is incorrect/);
  assert.equal(contoso.requests.at(-1)?.token?.audience, "https://ai.azure.com");
});
