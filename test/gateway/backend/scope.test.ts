// A token is good for one audience. The scope asked for must fit the host that it is sent to, or
// Azure answers 401; a host that only looks like Azure's must not change it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { scopeOf } from "../../../gateway/backend/scope.ts";

const foundry = "https://ai.azure.com/.default";
const services = "https://cognitiveservices.azure.com/.default";

describe("the scope follows the host", () => {
  const cases: readonly (readonly [host: string, scope: string])[] = [
    ["contoso.services.ai.azure.com", foundry],
    ["CONTOSO.Services.AI.Azure.com", foundry],
    ["a.b.services.ai.azure.com", foundry],
    ["contoso.openai.azure.com", services],
    ["contoso.cognitiveservices.azure.com", services],
    ["eastus.api.cognitive.microsoft.com", services],
    ["eastus2.tts.speech.microsoft.com", services],
    ["contoso.services.ai.azure.us", "https://ai.azure.us/.default"],
    ["contoso.openai.azure.us", "https://cognitiveservices.azure.us/.default"],
    ["contoso.cognitiveservices.azure.us", "https://cognitiveservices.azure.us/.default"],
    ["usgovvirginia.api.cognitive.microsoft.us", "https://cognitiveservices.azure.us/.default"],
    ["contoso.services.ai.azure.com.", foundry],
    // Foundry is not offered in China.
    ["contoso.services.ai.azure.cn", "https://cognitiveservices.azure.cn/.default"],
    ["chinaeast2.api.cognitive.azure.cn", "https://cognitiveservices.azure.cn/.default"],
    ["contoso.openai.azure.cn", "https://cognitiveservices.azure.cn/.default"],
    ["contoso.cognitiveservices.azure.cn", "https://cognitiveservices.azure.cn/.default"],
    // A domain of one's own, and names that merely hold the suffix.
    ["models.contoso.example", services],
    ["localhost", services],
    ["xservices.ai.azure.com", services],
    ["contoso.services.ai.azure.com.evil.example", services],
    ["contoso.azure.us.evil.example", services],
    ["azure.us", services],
    ["", services],
  ];
  for (const [host, scope] of cases) {
    test(`${host === "" ? "no host" : host} wants ${scope}`, () => {
      assert.equal(scopeOf(host), scope);
    });
  }
});
