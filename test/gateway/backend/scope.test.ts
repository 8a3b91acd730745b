import assert from "node:assert/strict";
import { test } from "node:test";
import { scopeOf, tellsScope } from "../../../gateway/backend/scope.ts";

const publicFoundry = "https://ai.azure.com/.default";
const publicServices = "https://cognitiveservices.azure.com/.default";
const governmentFoundry = "https://ai.azure.us/.default";
const governmentServices = "https://cognitiveservices.azure.us/.default";
const chinaServices = "https://cognitiveservices.azure.cn/.default";

for (const { host, scope } of [
  { host: "ai-gateway-foundry-eastus2.services.ai.azure.com", scope: publicFoundry },
  { host: "NAME.Services.AI.Azure.com", scope: publicFoundry },
  { host: "name.services.ai.azure.com.", scope: publicFoundry },
  { host: "name.openai.azure.com", scope: publicServices },
  { host: "name.cognitiveservices.azure.com", scope: publicServices },
  { host: "eastus2.api.cognitive.microsoft.com", scope: publicServices },
  { host: "eastus2.stt.speech.microsoft.com", scope: publicServices },
  { host: "eastus2.tts.speech.microsoft.com", scope: publicServices },
  { host: "name.api.cognitive.microsoft.com", scope: publicServices },
  { host: "models.example.com", scope: publicServices },
  { host: "services.ai.azure.com.example.com", scope: publicServices },
  { host: "notservices.ai.azure.com", scope: publicServices },
  { host: "name.services.ai.azure.us", scope: governmentFoundry },
  { host: "name.openai.azure.us", scope: governmentServices },
  { host: "name.cognitiveservices.azure.us", scope: governmentServices },
  { host: "virginia.api.cognitive.microsoft.us", scope: governmentServices },
  { host: "usgovvirginia.stt.speech.azure.us", scope: governmentServices },
  { host: "usgovvirginia.tts.speech.azure.us", scope: governmentServices },
  { host: "name.openai.azure.cn", scope: chinaServices },
  { host: "name.cognitiveservices.azure.cn", scope: chinaServices },
  { host: "chinaeast2.api.cognitive.azure.cn", scope: chinaServices },
  { host: "chinanorth3.stt.speech.azure.cn", scope: chinaServices },
  { host: "chinanorth3.tts.speech.azure.cn", scope: chinaServices },
  { host: "name.services.ai.azure.cn", scope: chinaServices },
]) {
  test(`a token for ${host} is asked for ${scope}`, () => assert.equal(scopeOf(host), scope));
}

test("a host of Azure's tells the scope, and no other that looks like one", () => {
  for (const host of [
    "r.openai.azure.com",
    "R.Services.AI.Azure.us.",
    "x.api.cognitive.microsoft.com",
  ])
    assert.equal(tellsScope(host), true, host);
  for (const host of ["10.0.0.1", "azure.com.example.com", "notazure.com", "foundry.internal"])
    assert.equal(tellsScope(host), false, host);
});
