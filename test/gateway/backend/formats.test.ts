// Every format through the real gateway: the path Azure serves it at, the model in its place, the
// answer to the byte, and the usage that it tells.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { spoken } from "../../stand-in/media-formats.ts";
import { type Call, call, errorOf } from "../caller.ts";
import { type WrittenRoute, configuration, routes } from "../configuration.ts";
import { runGateway } from "../running-gateway.ts";
import { type Azure, azure, form, json, messages } from "./format-calls.ts";

const foundry = await startFoundry({ accept: "any" });
beforeEach(() => foundry.reset());
after(() => foundry.close());

const counted = { input: 11, output: 7, total: 18 };
const cached = { input: 16, output: 7, total: 23 };

const cases: readonly {
  readonly format: string;
  readonly backend?: Partial<Azure>;
  readonly call: Call;
  readonly path: string;
  readonly tokens?: object | undefined;
  readonly model?: string;
}[] = [
  {
    format: "a chat completion",
    call: json("/v1/chat/completions", { model: "gpt-5", messages }),
    path: "/openai/v1/chat/completions",
  },
  {
    format: "a chat completion by a dated version, the model from the body",
    backend: { apiVersion: "2024-10-21" },
    call: json("/v1/chat/completions", { model: "gpt-5", messages }),
    path: "/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21",
  },
  {
    format: "a chat completion as AzureOpenAI clients ask for it",
    call: json("/openai/deployments/gpt-5/chat/completions?api-version=2023-05-15", { messages }),
    path: "/openai/v1/chat/completions",
  },
  {
    format: "embeddings of a Foundry project",
    backend: { resourceType: "foundry" },
    call: json("/v1/embeddings", { model: "gpt-5", input: "Hi" }),
    path: "/api/projects/my-resource/openai/v1/embeddings",
  },
  {
    format: "a text completion",
    call: json("/v1/completions", { model: "gpt-5", prompt: "Hi" }),
    path: "/openai/v1/completions",
    tokens: counted,
  },
  {
    format: "a text completion by a dated version",
    backend: { apiVersion: "2024-10-21" },
    call: json("/v1/completions", { model: "gpt-5", prompt: "Hi" }),
    path: "/openai/deployments/gpt-5/completions?api-version=2024-10-21",
    tokens: counted,
  },
  {
    format: "an embedding by the preview version",
    backend: { apiVersion: "preview" },
    call: json("/v1/embeddings", { model: "gpt-5", input: "Hi" }),
    path: "/openai/v1/embeddings?api-version=preview",
    tokens: { input: 1, output: 0, total: 1 },
  },
  {
    format: "a response",
    call: json("/v1/responses", { model: "gpt-5", input: "Hi" }),
    path: "/openai/v1/responses",
    tokens: counted,
  },
  {
    format: "a response by a dated version, without a deployment in the path",
    backend: { apiVersion: "2025-04-01-preview", model: "gpt-5" },
    call: json("/openai/responses?api-version=x", { model: "mine", input: "Hi" }),
    path: "/openai/responses?api-version=2025-04-01-preview",
    tokens: counted,
  },
  {
    format: "a streamed response",
    call: json("/v1/responses", { model: "gpt-5", input: "Hi", stream: true }),
    path: "/openai/v1/responses",
    tokens: counted,
  },
  {
    format: "a message to Claude, whose client says its version",
    backend: { resourceType: "foundry" },
    call: json("/v1/messages", { model: "gpt-5", messages }, { "anthropic-version": "2023-06-01" }),
    path: "/anthropic/v1/messages",
    tokens: cached,
  },
  {
    format: "a message to Claude without a version",
    backend: { resourceType: "foundry", model: "gpt-5" },
    call: json("/anthropic/v1/messages", { model: "claude", messages }),
    path: "/anthropic/v1/messages",
    tokens: cached,
  },
  {
    format: "a streamed message",
    call: json("/v1/messages", { model: "gpt-5", messages, stream: true }),
    path: "/anthropic/v1/messages",
    tokens: cached,
  },
  {
    format: "an image",
    call: json("/v1/images/generations", { model: "gpt-5", prompt: "A cat" }),
    path: "/openai/v1/images/generations",
    tokens: counted,
  },
  {
    format: "a streamed image",
    call: json("/v1/images/generations", { model: "gpt-5", prompt: "A cat", stream: true }),
    path: "/openai/v1/images/generations",
    tokens: counted,
  },
  {
    format: "an image by a dated version",
    backend: { apiVersion: "2025-04-01-preview" },
    call: json("/v1/images/generations", { model: "gpt-5", prompt: "A cat" }),
    path: "/openai/deployments/gpt-5/images/generations?api-version=2025-04-01-preview",
    tokens: counted,
  },
  {
    format: "an edited image",
    call: form("/v1/images/edits", [
      ["image", "\x89PNG\r\n\x1a\n"],
      ["mask", "\x89PNG\r\n\x1a\n\x00"],
      ["prompt", "A cat"],
      ["model", "gpt-5"],
    ]),
    path: "/openai/v1/images/edits",
    tokens: counted,
  },
  {
    format: "an edited image, as AzureOpenAI clients ask for it, streamed",
    backend: { apiVersion: "2025-04-01-preview" },
    call: form("/openai/deployments/gpt-5/images/edits?api-version=x", [
      ["image", "\x89PNG\r\n\x1a\n"],
      ["prompt", "A cat"],
      ["stream", "true"],
    ]),
    path: "/openai/deployments/gpt-5/images/edits?api-version=2025-04-01-preview",
    tokens: counted,
  },
  {
    format: "a streamed transcription",
    call: form("/v1/audio/transcriptions", [
      ["file", "x"],
      ["model", "gpt-5"],
      ["stream", "true"],
    ]),
    path: "/openai/v1/audio/transcriptions",
    tokens: counted,
  },
  {
    format: "a translation of a Foundry project",
    backend: { resourceType: "foundry" },
    call: form("/v1/audio/translations", [
      ["file", "x"],
      ["model", "gpt-5"],
    ]),
    path: "/api/projects/my-resource/openai/v1/audio/translations",
    tokens: counted,
  },
  {
    format: "a transcription, the model after the file",
    call: form("/v1/audio/transcriptions", [
      ["file", "\xff\x00\r\n--no boundary\r\n\xfe"],
      ["model", "gpt-5"],
    ]),
    path: "/openai/v1/audio/transcriptions",
    tokens: counted,
  },
  {
    format: "a transcription by a dated version",
    backend: { apiVersion: "2024-10-21" },
    call: form("/v1/audio/transcriptions", [
      ["model", "gpt-5"],
      ["file", "x"],
    ]),
    path: "/openai/deployments/gpt-5/audio/transcriptions?api-version=2024-10-21",
    tokens: counted,
  },
];

for (const { format, backend, call: asked, path, tokens } of cases) {
  test(`${format} goes where Azure serves it, and its usage is counted`, async (t) => {
    const { origin, accessLog } = await runGateway(t, routes({ backends: [azure(backend)] }), {
      upstreamPort: foundry.port,
    });
    const reply = await call(origin, asked);
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(foundry.requests[0]?.path, path);
    assert.deepEqual(reply.body, await finished());
    const [line] = await accessLog(1);
    assert.equal(line?.["modelSent"], "gpt-5");
    if (tokens !== undefined) assert.deepEqual(line?.["tokens"], tokens);
    else assert.ok(line?.["tokens"] !== undefined);
  });
}

test("the version of Anthropic's API is the caller's, or the one that its clients send", async (t) => {
  const { origin } = await runGateway(t, routes({ backends: [azure()] }), {
    upstreamPort: foundry.port,
  });
  const body = { model: "claude", messages };
  for (const headers of [{}, { "anthropic-version": "2024-02-29", "anthropic-beta": "a,b" }])
    await call(origin, json("/v1/messages", body, headers));
  const counting = await call(origin, json("/anthropic/v1/messages/count_tokens", body));
  assert.equal(counting.body.toString(), '{"input_tokens":11}');
  assert.deepEqual(
    foundry.requests.map(({ path, headers }) => [path, headers["anthropic-version"]]),
    [
      ["/anthropic/v1/messages", "2023-06-01"],
      ["/anthropic/v1/messages", "2024-02-29"],
      ["/anthropic/v1/messages/count_tokens", "2023-06-01"],
    ],
  );
  assert.equal(foundry.requests[1]?.headers["anthropic-beta"], "a,b");
});

/** What the stand-in wrote, whole answers not being kept. */
async function finished(): Promise<Buffer | undefined> {
  const received = foundry.requests[0];
  await received?.whenDone;
  return received?.written.length === 0 ? undefined : received?.written;
}

const file = "RIFF\r\n--other\r\n\xff\xfe";

function transcription(model: string): Call {
  return form("/v1/audio/transcriptions", [
    ["file", file],
    ["model", model],
    ["prompt", "model"],
  ]);
}

describe("a form", () => {
  test("keeps every byte but those of its model", async (t) => {
    const { origin } = await runGateway(t, routes({ backends: [azure({ model: "whisper" })] }), {
      upstreamPort: foundry.port,
    });
    const reply = await call(origin, transcription("gpt-4o-transcribe-with-a-long-name"));
    assert.equal(reply.status, 200, reply.body.toString());
    assert.deepEqual(foundry.requests[0]?.body, transcription("whisper").body);
  });

  test("without a model gets one where the path has none", async (t) => {
    const backend = azure();
    const { origin } = await runGateway(t, routes({ backends: [backend] }), {
      upstreamPort: foundry.port,
    });
    const reply = await call(
      origin,
      form("/openai/deployments/whisper/audio/transcriptions?api-version=1", [["file", file]]),
    );
    assert.equal(reply.status, 200, reply.body.toString());
    assert.match(String(foundry.requests[0]?.body), /name="model"\r\n\r\nwhisper\r\n/);
  });

  test("that is none, or names no model, is refused", async (t) => {
    const { origin } = await runGateway(t, routes({ backends: [azure()] }), {
      upstreamPort: foundry.port,
    });
    const path = "/v1/audio/transcriptions";
    const none = await call(origin, form(path, [["file", file]]));
    assert.deepEqual([none.status, errorOf(none)["param"]], [400, "model"]);
    const wrong = await call(origin, json(path, { model: "m" }));
    assert.equal(wrong.status, 415);
    const hiding = form(path, [
      ...Array.from({ length: 300 }, (_, at) => [`field${at}`, ""] as const),
      ["model", "m"],
    ]);
    assert.equal((await call(origin, hiding)).status, 415);
    assert.equal(foundry.requests.length, 0);
  });
});

for (const [apiVersion, path] of [
  ["v1", "/openai/v1/audio/speech"],
  ["2025-03-01-preview", "/openai/deployments/tts/audio/speech?api-version=2025-03-01-preview"],
] as const) {
  test(`speech by ${apiVersion} comes back as the bytes it is`, async (t) => {
    const { origin } = await runGateway(t, routes({ backends: [azure({ apiVersion })] }), {
      upstreamPort: foundry.port,
    });
    const reply = await call(origin, json("/v1/audio/speech", { model: "tts", input: "Hi" }));
    assert.equal(reply.headers["content-type"], "audio/mpeg");
    assert.deepEqual(reply.body, spoken);
    assert.equal(foundry.requests[0]?.path, path);
  });
}

describe("a stored response", () => {
  const asked = [
    [
      "GET",
      "/v1/responses/resp_12345678?include=x",
      "/openai/v1/responses/resp_12345678?include=x",
    ],
    [
      "DELETE",
      "/openai/responses/resp_12345678?api-version=1",
      "/openai/v1/responses/resp_12345678",
    ],
  ] as const;
  for (const [method, path, sent] of asked) {
    test(`is asked for by ${method}`, async (t) => {
      const { origin } = await runGateway(t, routes({ backends: [azure()] }), {
        upstreamPort: foundry.port,
      });
      const reply = await call(origin, { method, path });
      assert.equal(reply.status, 200, reply.body.toString());
      assert.equal(foundry.requests[0]?.path, sent);
      assert.equal(foundry.requests[0]?.method, method);
    });
  }
});

test("a route's own formats pass through what they say, and only that", async (t) => {
  const route: WrittenRoute = {
    policies: { ai: { routes: { "/files": "passthrough" } } },
    backends: [azure()],
  };
  const { origin } = await runGateway(t, routes(route), { upstreamPort: foundry.port });
  assert.equal((await call(origin, { path: "/v1/files" })).status, 404);
  assert.equal(foundry.requests[0]?.path, "/openai/v1/files");
  assert.equal((await call(origin, { path: "/v1/batches" })).status, 405);
  assert.equal(foundry.requests.length, 1);
});

function ids(body: Buffer): string[] {
  const { data }: { data: { id: string }[] } = JSON.parse(body.toString());
  return data.map(({ id }) => id);
}

describe("the list of models", () => {
  test("has the models and aliases of a route, in both APIs' paths", async (t) => {
    const route: WrittenRoute = {
      policies: { ai: { modelAliases: { fast: "gpt-5-mini", "gpt-4*": "gpt-5" } } },
      backends: [azure({ model: "gpt-5" })],
    };
    const { origin } = await runGateway(t, routes(route), { upstreamPort: foundry.port });
    for (const path of ["/v1/models", "/openai/models?api-version=2024-10-21", "/openai/v1/models"])
      assert.deepEqual(ids((await call(origin, { path })).body), ["gpt-5", "fast"], path);
    const one = await call(origin, { path: "/v1/models/fast" });
    assert.equal(JSON.parse(one.body.toString()).id, "fast");
    const none = await call(origin, { path: "/v1/models/slow" });
    assert.deepEqual([none.status, errorOf(none)["code"]], [404, "model_not_found"]);
    assert.equal((await call(origin, { method: "POST", path: "/v1/models" })).status, 405);
    assert.equal(foundry.requests.length, 0);
  });

  test("is the backend's own where the config names no model", async (t) => {
    const { origin } = await runGateway(t, routes({ backends: [azure()] }), {
      upstreamPort: foundry.port,
    });
    await call(origin, { path: "/v1/models" });
    assert.equal(foundry.requests[0]?.path, "/openai/v1/models");
  });
});

function params(resource: string) {
  return {
    azureResourceName: resource,
    azureResourceType: "openAI" as const,
    hostOverride: `${resource}.openai.azure.com:80`,
    apiKey: "k",
  };
}

test("the short form sends each model where it is, and knows no other", async (t) => {
  const source = configuration({
    llm: {
      policies: { apiKey: { keys: [{ key: "caller", allowedModels: ["gpt-5*", "mine"] }] } },
      models: [
        { name: "gpt-*", provider: "azure", params: params("east") },
        { name: "gpt-5", provider: "azure", params: { ...params("west"), model: "mine" } },
      ],
    },
  });
  const { origin, accessLog } = await runGateway(t, source, {
    upstreamPort: foundry.port,
  });
  foundry.always({ kind: "status", status: 200, body: {} });
  const headers = { "api-key": "caller" };
  const ask = (model: string) =>
    call(origin, json("/v1/chat/completions", { model, messages }, headers));
  assert.equal((await ask("gpt-5")).status, 200);
  assert.equal((await ask("gpt-5-mini")).status, 200);
  assert.deepEqual(
    foundry.requests.map(({ headers: { host, "api-key": key } }) => [host, key]),
    [
      ["west.openai.azure.com", "k"],
      ["east.openai.azure.com", "k"],
    ],
  );
  const unknown = await ask("o3");
  assert.deepEqual([unknown.status, errorOf(unknown)["code"]], [404, "model_not_found"]);
  assert.equal((await ask("gpt-4")).status, 403);
  const list = await call(origin, { path: "/v1/models", headers });
  assert.deepEqual(ids(list.body), ["gpt-5"]);
  const lines = await accessLog(5);
  assert.deepEqual(
    lines
      .slice(0, 2)
      .map(({ backend, modelRequested, modelSent }) => [backend, modelRequested, modelSent]),
    [
      ["gpt-5", "gpt-5", "mine"],
      ["gpt-*", "gpt-5-mini", "gpt-5-mini"],
    ],
  );
});

test("a stream of Claude's that breaks ends in an event its clients raise", async (t) => {
  const { origin } = await runGateway(t, routes({ backends: [azure()] }), {
    upstreamPort: foundry.port,
  });
  foundry.next({ kind: "answer", cut: { at: { afterEvent: 4 }, manner: "destroy" } });
  const reply = await call(origin, json("/v1/messages", { model: "m", messages, stream: true }));
  assert.equal(reply.ending, "broken");
  assert.match(
    reply.body.toString(),
    /\n\nevent: error\ndata: \{"type":"error","error":\{"message"/,
  );
});
