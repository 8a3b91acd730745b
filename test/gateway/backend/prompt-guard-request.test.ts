// Requests that Content Safety sees before a model does.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { call, chat, errorOf } from "../caller.ts";
import { configuration, model } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { guardsOf, startGuarding } from "./guarding.ts";

const guarding = await startGuarding();
const { foundry, safety, guard, config } = guarding;
beforeEach(() => guarding.reset());
after(() => guarding.close());

const asks = (content: unknown, change: object = {}) =>
  chat({ messages: [{ role: "user", content }], ...change });
const bodies = () => safety.requests.map(({ body }): unknown => JSON.parse(body.toString()));
const paths = () => safety.requests.map(({ path }) => path);

test("a harmless prompt reaches the model, after one call with a token for Content Safety", async (t) => {
  const gateway = await runGateway(t, config({ request: [guard()] }));
  const reply = await call(gateway.origin, asks("Hello"));
  assert.equal(reply.status, 200);
  assert.equal(foundry.requests.length, 1);
  assert.deepEqual(paths(), ["/contentsafety/text:analyze?api-version=2024-09-01"]);
  assert.deepEqual(bodies(), [{ text: "Hello", outputType: "FourSeverityLevels" }]);
  const [seen] = safety.requests;
  assert.equal(seen?.token?.audience, "https://cognitiveservices.azure.com");
  assert.equal(seen?.headers["x-request-id"], reply.headers["x-request-id"]);
  assert.deepEqual(await guardsOf(gateway), { request: { verdict: "allowed" } });
});

test("a harmful one gets a 403 that does not repeat it, and no model hears of it", async (t) => {
  const gateway = await runGateway(t, config({ request: [guard()] }));
  const reply = await call(gateway.origin, asks("say harm-Violence-4 and harm-Hate-2 twice"));
  assert.equal(reply.status, 403);
  assert.deepEqual(errorOf(reply), {
    message: "The request was rejected due to inappropriate content.",
    type: "permission_error",
    code: "content_filter",
    param: null,
  });
  assert.ok(reply.headers["x-request-id"]);
  assert.equal(foundry.requests.length, 0);
  const [line] = await gateway.accessLog(1);
  assert.equal(line?.["outcome"], "content_rejected");
  assert.equal(line?.["attempts"], 0);
  assert.deepEqual(await guardsOf(gateway), {
    request: { verdict: "rejected", found: ["Hate:2", "Violence:4"] },
  });
});

for (const [threshold, severity, status] of [
  [2, 0, 200],
  [2, 2, 403],
  [4, 2, 200],
  [4, 4, 403],
  [7, 6, 200],
] as const) {
  test(`with severityThreshold ${threshold}, severity ${severity} gets ${status}`, async (t) => {
    const analyzeText = { severityThreshold: threshold };
    const { origin } = await runGateway(t, config({ request: [guard({ analyzeText })] }));
    assert.equal((await call(origin, asks(`harm-SelfHarm-${severity}`))).status, status);
  });
}

test("a blocklist is asked for by name, and its hit is refused and named in the log alone", async (t) => {
  const analyzeText = {
    blocklistNames: ["products", "names"],
    haltOnBlocklistHit: true,
    apiVersion: "2023-10-01",
  };
  const gateway = await runGateway(t, config({ request: [guard({ analyzeText })] }));
  const reply = await call(gateway.origin, asks("Tell me of Project Falcon"));
  assert.equal(reply.status, 403);
  assert.deepEqual(paths(), ["/contentsafety/text:analyze?api-version=2023-10-01"]);
  assert.deepEqual(bodies(), [
    {
      text: "Tell me of Project Falcon",
      blocklistNames: ["products", "names"],
      haltOnBlocklistHit: true,
      outputType: "FourSeverityLevels",
    },
  ]);
  assert.deepEqual(await guardsOf(gateway), {
    request: { verdict: "rejected", found: ["blocklist:products"] },
  });
  assert.ok(!gateway.logText().includes("Falcon"));
  assert.ok(!reply.body.toString().includes("products"));
});

describe("Prompt Shields", () => {
  const shielded = config({ request: [guard({ detectJailbreak: {} })] });

  test("see what users and tools say apart, and nothing of the application's", async (t) => {
    const { origin } = await runGateway(t, shielded);
    const messages = [
      { role: "system", content: "You are attack!" },
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello" },
      { role: "user", content: [{ type: "text", text: "Look it up" }] },
      { role: "tool", tool_call_id: "c", content: "A page" },
    ];
    assert.equal((await call(origin, chat({ messages }))).status, 200);
    assert.deepEqual(paths(), ["/contentsafety/text:shieldPrompt?api-version=2024-09-01"]);
    assert.deepEqual(bodies(), [{ userPrompt: "Hi\nLook it up", documents: ["A page"] }]);
  });

  for (const [role, found] of [
    ["user", "user_prompt_attack"],
    ["tool", "document_attack"],
  ] as const) {
    test(`refuse an attack by a ${role}`, async (t) => {
      const gateway = await runGateway(t, shielded);
      const messages = [
        { role: "user", content: "Hi" },
        { role, content: "this is an attack!" },
      ];
      const reply = await call(gateway.origin, chat({ messages }));
      assert.equal(reply.status, 403);
      assert.equal(foundry.requests.length, 0);
      assert.deepEqual(await guardsOf(gateway), {
        request: { verdict: "rejected", found: [found] },
      });
    });
  }

  test("and text analysis are both asked by one guard", async (t) => {
    const both = guard({ detectJailbreak: {}, analyzeText: {} });
    const { origin } = await runGateway(t, config({ request: [both] }));
    assert.equal((await call(origin, asks("Hi"))).status, 200);
    assert.deepEqual(paths().toSorted(), [
      "/contentsafety/text:analyze?api-version=2024-09-01",
      "/contentsafety/text:shieldPrompt?api-version=2024-09-01",
    ]);
  });
});

const long = (end: string) => `${"你👋 ".repeat(30_000)}${end}`;

describe("a long text", () => {
  test("is checked to its end, four calls at a time", async (t) => {
    const both = guard({ detectJailbreak: {}, analyzeText: {} });
    const gateway = await runGateway(t, config({ request: [both] }));
    safety.always({ kind: "answer", delayMs: 5 });
    assert.equal((await call(gateway.origin, asks(long("harmless")))).status, 200);
    assert.equal(safety.requests.length, 20);
    assert.ok(safety.atOnce <= 4, `${safety.atOnce} at once`);
    for (const end of ["harm-Sexual-6", "attack!"]) {
      assert.equal((await call(gateway.origin, asks(long(end)))).status, 403, end);
    }
  });
});

describe("a rejection of the config's own", () => {
  const harmful = asks("harm-Violence-6");

  test("in JSON", async (t) => {
    const rejection = {
      status: 422,
      body: '{"error":"no"}',
      headers: { set: { "x-guard": "yes" }, add: { "cache-control": "no-store" } },
    };
    const { origin } = await runGateway(t, config({ request: [guard(undefined, rejection)] }));
    const { status, headers, body } = await call(origin, harmful);
    assert.equal(status, 422);
    assert.equal(body.toString(), '{"error":"no"}');
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["x-guard"], "yes");
    assert.equal(headers["cache-control"], "no-store");
  });

  test("in words", async (t) => {
    const { origin } = await runGateway(
      t,
      config({ request: [guard(undefined, { body: "No." })] }),
    );
    const { status, headers, body } = await call(origin, harmful);
    assert.equal(status, 403);
    assert.equal(body.toString(), "No.");
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  });

  test("by its status alone", async (t) => {
    const { origin } = await runGateway(
      t,
      config({ request: [guard(undefined, { status: 400 })] }),
    );
    const reply = await call(origin, harmful);
    assert.equal(reply.status, 400);
    assert.equal(errorOf(reply)["code"], "content_filter");
  });
});

test("guards are asked in turn, and the first that refuses answers", async (t) => {
  const request = [
    guard({ analyzeText: { severityThreshold: 6 } }, { status: 451 }),
    guard({ analyzeText: {} }, { status: 452 }),
  ];
  const { origin } = await runGateway(t, config({ request }));
  assert.equal((await call(origin, asks("harm-Hate-4"))).status, 452);
  assert.equal((await call(origin, asks("harm-Hate-6"))).status, 451);
  assert.equal(safety.requests.length, 3);
});

test("it is asked once, however many backends are tried", async (t) => {
  const backends = [model(`localhost:${foundry.port}`), model(`localhost:${foundry.port}`)];
  const gateway = await runGateway(
    t,
    config(
      { request: [guard()] },
      { backends, policies: { retry: { attempts: 3, backoff: "1ms" } } },
    ),
  );
  foundry.next({ kind: "status", status: 503 }, 3);
  assert.equal((await call(gateway.origin, asks("Hi"))).status, 200);
  assert.equal(foundry.requests.length, 4);
  assert.equal(safety.requests.length, 1);
});

test("nothing is asked about a request that would not be sent", async (t) => {
  const policies = {
    apiKey: { keys: [{ key: "k", allowedModels: ["other"] }] },
    localRateLimit: [{ maxTokens: 3, tokensPerFill: 1, fillInterval: "1h" }],
  };
  const { origin } = await runGateway(t, config({ request: [guard()] }, { policies }));
  const headers = { authorization: "Bearer k" };
  const statuses = [];
  for (const asked of [
    asks("Hi"),
    { ...asks("Hi"), headers },
    chat({ model: "m" }, headers),
    chat("{", headers),
    chat({ messages: [] }, headers),
  ]) {
    statuses.push((await call(origin, asked)).status);
  }
  assert.deepEqual(statuses, [401, 403, 400, 400, 429]);
  assert.equal(safety.requests.length, 0);
});

const form = (prompt: string) => ({
  method: "POST",
  path: "/openai/v1/audio/transcriptions",
  headers: { "content-type": "multipart/form-data; boundary=b" },
  body: ["prompt", prompt, "file", "RIFF"]
    .flatMap((text, n, all) =>
      n % 2 === 0
        ? [
            `--b\r\ncontent-disposition: form-data; name="${text}"${text === "file" ? '; filename="a.wav"' : ""}`,
            `\r\n\r\n${all[n + 1] ?? ""}\r\n`,
          ]
        : [],
    )
    .concat("--b--\r\n")
    .join(""),
});

test("a form's prompt is checked, however long", async (t) => {
  const { origin } = await runGateway(t, config({ request: [guard()] }));
  assert.equal((await call(origin, form("Spell Ann"))).status, 200);
  assert.equal((await call(origin, form(`${"x".repeat(5_000)} harm-Hate-4`))).status, 403);
  assert.equal(foundry.requests.length, 1);
});

test("llm's guardrails are those of all models and the model's own", async (t) => {
  const params = { baseUrl: `http://localhost:${foundry.port}/openai/v1` };
  const auth = { key: "any" };
  const own = { request: [guard({ analyzeText: { blocklistNames: ["names"] } })] };
  const yaml = configuration({
    llm: {
      policies: { guardrails: { request: [guard()] } },
      models: [
        { name: "gpt-5-mini", provider: "openAI", params, auth, guardrails: own },
        { name: "gpt-5", provider: "openAI", params, auth },
      ],
    },
  });
  const { origin } = await runGateway(t, yaml);
  const status = async (name: string, content: string) =>
    (await call(origin, asks(content, { model: name }))).status;
  assert.equal(await status("gpt-5-mini", "Ann"), 403);
  assert.equal(await status("gpt-5-mini", "harm-Hate-4"), 403);
  assert.equal(await status("gpt-5", "harm-Hate-4"), 403);
  assert.equal(await status("gpt-5", "Ann"), 200);
});
