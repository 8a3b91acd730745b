import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { startContentSafety } from "./content-safety.ts";
import { createTokens } from "./tokens.ts";

const tokens = createTokens();
const blocklists = { products: ["Falcon"] };
const safety = await startContentSafety({ tokens, apiKeys: ["k"], blocklists });
beforeEach(() => safety.reset());
after(() => safety.close());

const good = tokens.mint({
  identity: "i",
  audience: "https://cognitiveservices.azure.com/.default",
  lifetimeSeconds: 60,
}).token;
const elsewhere = tokens.mint({
  identity: "i",
  audience: "https://ai.azure.com",
  lifetimeSeconds: 60,
}).token;

async function post(
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = { authorization: `Bearer ${good}` },
) {
  const answer = await fetch(`${safety.origin}/contentsafety/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const told: unknown = await answer.json();
  return { status: answer.status, told };
}

const analyze = "text:analyze?api-version=2024-09-01";
const shield = "text:shieldPrompt?api-version=2024-09-01";

test("it analyzes a text by category and blocklist", async () => {
  const body = { text: "Falcon harm-Hate-4", blocklistNames: ["products"] };
  assert.deepEqual(await post(analyze, body), {
    status: 200,
    told: {
      blocklistsMatch: [
        { blocklistName: "products", blocklistItemId: "1", blocklistItemText: "Falcon" },
      ],
      categoriesAnalysis: [
        { category: "Hate", severity: 4 },
        { category: "SelfHarm", severity: 0 },
        { category: "Sexual", severity: 0 },
        { category: "Violence", severity: 0 },
      ],
    },
  });
});

test("it shields a prompt and each document", async () => {
  const body = { userPrompt: "Hi", documents: ["a page", "attack!"] };
  assert.deepEqual(await post(shield, body), {
    status: 200,
    told: {
      userPromptAnalysis: { attackDetected: false },
      documentsAnalysis: [{ attackDetected: false }, { attackDetected: true }],
    },
  });
});

for (const [name, status, path, body, headers] of [
  ["10,000 characters are taken", 200, analyze, { text: "👋".repeat(10_000) }],
  ["one more is refused", 400, analyze, { text: "a".repeat(10_001) }],
  ["no text is refused", 400, analyze, { text: "" }],
  ["an unknown member is refused", 400, analyze, { text: "a", texts: [] }],
  ["an unknown blocklist is not found", 404, analyze, { text: "a", blocklistNames: ["b"] }],
  ["a long prompt is refused", 400, shield, { userPrompt: "a".repeat(10_001) }],
  ["six documents are refused", 400, shield, { documents: ["a", "a", "a", "a", "a", "a"] }],
  [
    "long documents are refused",
    400,
    shield,
    { documents: ["a".repeat(9_000), "a".repeat(1_001)] },
  ],
  ["another version is refused", 400, "text:analyze?api-version=2020-01-01", { text: "a" }],
  ["another operation is not found", 404, "image:analyze?api-version=2024-09-01", {}],
  ["no token is refused", 401, analyze, { text: "a" }, {}],
  [
    "a token for Foundry is refused",
    401,
    analyze,
    { text: "a" },
    { authorization: `Bearer ${elsewhere}` },
  ],
  ["a key is taken", 200, analyze, { text: "a" }, { "ocp-apim-subscription-key": "k" }],
] as const) {
  test(name, async () => assert.equal((await post(path, body, headers)).status, status));
}
