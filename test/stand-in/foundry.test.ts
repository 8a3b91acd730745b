import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, beforeEach, test } from "node:test";
import OpenAI from "openai";
import { Agent, fetch, request } from "undici";
import { makeAuthority } from "./certificate.ts";
import { greeting } from "./everyday-answer.ts";
import { startFoundry } from "./foundry.ts";
import { pseudoRandom } from "./pseudo-random.ts";
import { createTokens } from "./tokens.ts";

const authority = await makeAuthority();
const client = await authority.clientCertificate("gateway");
const tokens = createTokens();
const foundry = await startFoundry({
  tokens,
  certificate: await authority.serverCertificate("*.services.ai.azure.com"),
  clientCertificates: { authority: authority.cert, when: "requested" },
  apiKeys: ["the-key"],
  deployments: ["gpt-5-mini", "text-embedding-3-small"],
});
// For clients that bring their own fetch, which takes the authority from the environment only.
const plain = await startFoundry({ tokens });
const dispatcher = new Agent({ connect: { ca: authority.cert } });
beforeEach(() => {
  foundry.reset();
  plain.reset();
});
after(async () => {
  await dispatcher.destroy();
  await foundry.close();
  await plain.close();
});

const mint = (audience = "https://ai.azure.com", lifetimeSeconds = 60): string =>
  tokens.mint({ identity: "gateway", audience, lifetimeSeconds }).token;
const models = "/models/chat/completions?api-version=2024-05-01-preview";
const question = { model: "gpt-5-mini", messages: [{ role: "user", content: "Hello there" }] };
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${foundry.origin}${path}`, {
    dispatcher,
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(headers["api-key"] === undefined ? { authorization: `Bearer ${mint()}` } : {}),
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const codeOf = async (response: { json(): Promise<unknown> }): Promise<unknown> => {
  const body = await response.json();
  return typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
};

for (const path of [
  models,
  "/openai/v1/chat/completions",
  "/openai/deployments/gpt-5-mini/chat/completions?api-version=2024-10-21",
  "/api/projects/first/openai/v1/chat/completions",
  "/v1/chat/completions",
]) {
  test(`${path} answers in Azure's shape`, async () => {
    const response = await post(path, question);
    const body: unknown = await response.json();
    assert.equal(response.status, 200);
    assert.ok(response.headers.get("apim-request-id"));
    assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "499");
    assert.partialDeepStrictEqual(body, {
      object: "chat.completion",
      model: "gpt-5-mini",
      choices: [{ finish_reason: "stop", message: { role: "assistant", content: greeting } }],
      prompt_filter_results: [{ prompt_index: 0 }],
    });
    const [received] = foundry.requests;
    assert.equal(received?.path, path);
    assert.equal(received?.token?.identity, "gateway");
    assert.equal(received?.servername, "localhost");
    assert.deepEqual(JSON.parse(String(received?.body)), question);
    assert.equal(await received?.whenDone, "answered");
  });
}

for (const { name, headers } of [
  { name: "no credential", headers: { authorization: "" } },
  { name: "an unknown token", headers: { authorization: "Bearer undefined" } },
  { name: "an expired token", headers: { authorization: `Bearer ${mint(undefined, -1)}` } },
  {
    name: "another audience",
    headers: { authorization: `Bearer ${mint("https://vault.azure.net")}` },
  },
  { name: "a wrong key", headers: { "api-key": "guessed" } },
]) {
  test(`${name} is refused with 401`, async () => {
    const response = await post(models, question, headers);
    assert.equal(response.status, 401);
    assert.partialDeepStrictEqual(await codeOf(response), { code: "401" });
  });
}

test("a key of the account is welcome, and so is a token until it is revoked", async () => {
  assert.equal((await post(models, question, { "api-key": "the-key" })).status, 200);
  const authorization = `Bearer ${mint("https://cognitiveservices.azure.com/.default")}`;
  assert.equal((await post(models, question, { authorization })).status, 200);
  tokens.revoke();
  assert.equal((await post(models, question, { authorization })).status, 401);
});

for (const { name, path, body, status } of [
  { name: "broken JSON", path: models, body: "{", status: 400 },
  { name: "no messages", path: models, body: { model: "gpt-5-mini" }, status: 400 },
  { name: "no model", path: models, body: { messages: question.messages }, status: 400 },
  { name: "no api-version", path: "/models/chat/completions", body: question, status: 404 },
  { name: "another deployment", path: models, body: { ...question, model: "gpt-9" }, status: 404 },
  { name: "an unknown path", path: "/chat", body: question, status: 404 },
]) {
  test(`${name} is answered with ${status}`, async () => {
    const response = await post(path, body);
    assert.equal(response.status, status);
    assert.ok(await codeOf(response));
  });
}

test("the openai client reads embeddings", async () => {
  const openai = new OpenAI({
    apiKey: mint(),
    baseURL: `${plain.origin}/openai/v1`,
  });
  const { data } = await openai.embeddings.create({
    model: "text-embedding-3-small",
    input: ["one", "two"],
  });
  assert.deepEqual(
    data.map(({ embedding }) => embedding.length),
    [8, 8],
  );
});

test("the openai client reads a stream, usage only when it asks", async () => {
  const openai = new OpenAI({
    apiKey: mint(),
    baseURL: `${plain.origin}/openai/v1`,
  });
  plain.always({ kind: "answer", filter: "asynchronous" });
  const chunksOf = async (options: { include_usage: boolean }) => {
    const stream = await openai.chat.completions.create({
      model: "gpt-5-mini",
      messages: [{ role: "user", content: "Hello" }],
      stream: true,
      stream_options: options,
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  };

  const uncounted = await chunksOf({ include_usage: false });
  assert.deepEqual(uncounted[0]?.choices, []);
  assert.equal(uncounted.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join(""), greeting);
  assert.ok(uncounted.every((chunk) => !("usage" in chunk)));

  const counted = await chunksOf({ include_usage: true });
  const last = counted.pop();
  assert.ok(counted.every((chunk) => chunk.usage === null));
  assert.deepEqual(last?.choices, []);
  const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = last?.usage ?? {};
  assert.equal(total_tokens, prompt_tokens + completion_tokens);
});

test("a client certificate is recorded with its subject", async () => {
  const mutual = new Agent({ connect: { ca: authority.cert, ...client } });
  const response = await fetch(`${foundry.origin}${models}`, { dispatcher: mutual });
  await response.text();
  assert.deepEqual(foundry.requests[0]?.clientCertificate, {
    subject: "CN=gateway",
    trusted: true,
  });
  assert.deepEqual([foundry.connections.tcp, foundry.connections.tls], [1, 1]);
  await mutual.close();
});

test("the other AI services describe what they got, speak and mirror", async () => {
  const body = Buffer.concat([...pseudoRandom(3_000_000)]);
  const sha256 = createHash("sha256").update(body).digest("hex");
  const headers = { authorization: `Bearer ${mint()}` };
  const options = { dispatcher, headers, body, method: "PUT" } as const;

  const described = await request(`${foundry.origin}/computervision/x?a=%20`, options);
  assert.partialDeepStrictEqual(await described.body.json(), {
    method: "PUT",
    path: "/computervision/x?a=%20",
    length: body.length,
    sha256,
  });
  const spoken = await request(`${foundry.origin}/speech/tts?bytes=3000000`, {
    dispatcher,
    headers,
  });
  assert.deepEqual(Buffer.from(await spoken.body.arrayBuffer()), body);
  const mirrored = await request(`${foundry.origin}/speech/mirror`, options);
  assert.deepEqual(Buffer.from(await mirrored.body.arrayBuffer()), body);
});
