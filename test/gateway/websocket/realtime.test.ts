// A WebSocket to the Realtime API is a request like any other until its 101: found by its route, let
// in by its caller's key, sent to the right path with the gateway's own token. Then bytes go both ways,
// and the access log tells what they were.
import assert from "node:assert/strict";
import type { ClientRequest } from "node:http";
import { after, afterEach, test } from "node:test";
import { sessionUsage } from "../../stand-in/realtime.ts";
import { scope, startKeyless } from "../backend/credential/keyless.ts";
import {
  type WrittenBackend,
  type WrittenRoute,
  routes,
  systemAssigned,
} from "../configuration.ts";
import { type RunningGateway, runGateway } from "../running-gateway.ts";
import { errorIn, open, refused } from "./client.ts";

const keyless = await startKeyless();
const { foundry, clock } = keyless;
afterEach(() => keyless.reset());
after(() => keyless.close());

const backendAuth = { azure: { ...systemAssigned.azure, scope } };
const key = "key-of-a-team";
const apiKey = { keys: [{ key, metadata: { name: "team" } }] };
const headers = { "api-key": key };

function azure(apiVersion?: string, change: Partial<NonNullable<WrittenBackend["ai"]>> = {}) {
  const version = apiVersion === undefined ? {} : { apiVersion };
  return {
    ai: {
      name: "foundry",
      hostOverride: `localhost:${foundry.port}`,
      provider: { azure: { resourceName: "res", resourceType: "openAI" as const, ...version } },
      ...change,
    },
  };
}

async function behind(
  t: Parameters<typeof runGateway>[0],
  backend: WrittenBackend = azure(),
  policies: WrittenRoute["policies"] = {},
): Promise<RunningGateway> {
  const route = { policies: { backendAuth, apiKey, ...policies }, backends: [backend] };
  return runGateway(t, routes(route), { clock });
}

test("a session with a token of the gateway's, without anything of the caller's credential", async (t) => {
  const { origin, accessLog, logText } = await behind(t);
  const client = await open(origin, "/v1/realtime?model=gpt-realtime", {
    headers: { ...headers, cookie: "a=b", "x-mine": "1", "x-request-id": "my-own-id" },
    protocols: ["realtime"],
  });
  assert.equal(client.socket.protocol, "realtime");
  assert.equal(client.head.headers["x-request-id"], "my-own-id");
  client.send({ type: "response.create" });
  assert.equal((await client.until("response.done"))[0]?.["type"], "session.created");
  const [session] = foundry.sessions;
  assert.equal(session?.path, "/openai/v1/realtime?model=gpt-realtime");
  assert.equal(session?.token?.identity, "system");
  assert.equal(session?.token?.audience, "https://ai.azure.com");
  for (const name of ["api-key", "cookie", "sec-websocket-extensions"]) {
    assert.equal(session?.headers[name], undefined, name);
  }
  assert.equal(session?.headers["x-mine"], "1");
  assert.equal(session?.headers["x-request-id"], "my-own-id");
  client.socket.close(1000, "done");
  assert.equal(await client.closed, 1000);
  assert.equal(await session?.whenClosed, 1000);
  const [line] = await accessLog(1);
  assert.partialDeepStrictEqual(line, {
    status: 101,
    upstreamStatus: 101,
    outcome: "ok",
    path: "/v1/realtime",
    modelRequested: "gpt-realtime",
    modelSent: "gpt-realtime",
    caller: { key: "team" },
    closeCode: 1000,
    closedBy: "caller",
    tokens: { input: 11, output: 7, total: 18 },
  });
  assert.ok(Number(line?.["requestBytes"]) > 20 && Number(line?.["responseBytes"]) > 500);
  assert.ok(!logText().includes(key));
});

const shapes: readonly (readonly [version: string | undefined, asked: string, sent: string])[] = [
  [undefined, "/v1/realtime?model=m", "/openai/v1/realtime?model=m"],
  [undefined, "/openai/v1/realtime?model=m", "/openai/v1/realtime?model=m"],
  [
    undefined,
    "/openai/realtime?api-version=2025-04-01-preview&deployment=m",
    "/openai/v1/realtime?model=m",
  ],
  [
    undefined,
    "/openai/deployments/m/realtime?api-version=2024-10-21",
    "/openai/v1/realtime?model=m",
  ],
  ["preview", "/v1/realtime?model=m", "/openai/v1/realtime?api-version=preview&model=m"],
  [
    "2025-04-01-preview",
    "/v1/realtime?model=m",
    "/openai/realtime?api-version=2025-04-01-preview&deployment=m",
  ],
  [
    "2025-04-01-preview",
    "/openai/realtime?deployment=m&api-version=2024-10-01-preview",
    "/openai/realtime?api-version=2025-04-01-preview&deployment=m",
  ],
  [undefined, "/v1/realtime?intent=transcription", "/openai/v1/realtime?intent=transcription"],
];
for (const [version, asked, sent] of shapes) {
  test(`${asked} arrives at ${version ?? "v1"} as ${sent}`, async (t) => {
    const { origin } = await behind(t, azure(version));
    const client = await open(origin, asked, { headers });
    assert.equal(foundry.sessions[0]?.path, sent);
    client.socket.terminate();
  });
}

test("the caller's own path is kept where the config says nothing of it, with the model replaced in it", async (t) => {
  const { origin } = await behind(t, {
    ai: {
      name: "own",
      hostOverride: `localhost:${foundry.port}`,
      provider: { openAI: {} },
      policies: { ai: { modelAliases: { "my-*": "gpt-realtime" } } },
    },
  });
  for (const path of [
    "/openai/v1/realtime?model=",
    "/openai/realtime?api-version=2025-04-01-preview&deployment=",
  ]) {
    (await open(origin, `${path}my-voice`, { headers })).socket.terminate();
    assert.equal(foundry.sessions.at(-1)?.path, `${path}gpt-realtime`);
  }
});

test("a provider's model and an alias stand in for the caller's", async (t) => {
  const { origin, accessLog } = await behind(t, {
    ai: {
      name: "foundry",
      hostOverride: `localhost:${foundry.port}`,
      provider: {
        azure: { resourceName: "res", resourceType: "foundry", model: "gpt-realtime-mini" },
      },
    },
  });
  (await open(origin, "/v1/realtime?model=other&Model=third", { headers })).socket.terminate();
  assert.equal(foundry.sessions[0]?.path, "/openai/v1/realtime?model=gpt-realtime-mini");
  const [line] = await accessLog(1);
  assert.partialDeepStrictEqual(line, { modelRequested: "other", modelSent: "gpt-realtime-mini" });
});

test("a wrong key, or none, is refused before anything is asked of the backend", async (t) => {
  const { origin, accessLog, logText } = await behind(t);
  const wrong = await refused(origin, "/v1/realtime?model=m", {
    headers: { "api-key": "wrong-key" },
  });
  assert.equal(wrong.status, 401);
  assert.equal(errorIn(wrong)["code"], "invalid_api_key");
  assert.equal(wrong.head.headers["connection"], "close");
  assert.ok(wrong.head.headers["x-request-id"] !== undefined);
  assert.equal((await refused(origin, "/v1/realtime?model=m")).status, 401);
  assert.equal(foundry.connections.tcp, 0);
  const outcomes = (await accessLog(2)).map(({ status, outcome }) => [status, outcome]);
  assert.deepEqual(outcomes, [
    [401, "invalid_credential"],
    [401, "unauthenticated"],
  ]);
  assert.ok(!logText().includes("wrong-key"));
});

test("a key may come as OpenAI's browsers send it, and in the query as Azure's do; neither goes on", async (t) => {
  const { origin, logText } = await behind(t);
  const secret = `openai-insecure-api-key.${key}`;
  const ways = [
    ["/v1/realtime?model=m", ["realtime", secret]],
    [`/v1/realtime?api-key=${key}&model=m`, ["realtime"]],
    [`/v1/realtime?model=m&Authorization=Bearer%20${key}`, ["realtime"]],
    [`/v1/realtime?model=m&api%2dkey=${key}`, ["realtime"]],
  ] as const;
  for (const [path, protocols] of ways) {
    const client = await open(origin, path, { protocols });
    const session = foundry.sessions.at(-1);
    assert.equal(session?.path, "/openai/v1/realtime?model=m", path);
    assert.equal(session?.headers["sec-websocket-protocol"], "realtime");
    assert.match(session?.headers.authorization ?? "", /^Bearer stand-in-token-/);
    client.socket.terminate();
  }
  assert.ok(!logText().includes(key));
});

test("Node's own WebSocket, which sets no headers, is served", async (t) => {
  const { port } = await behind(t);
  const url = `ws://127.0.0.1:${port}/v1/realtime?model=m`;
  const socket = new WebSocket(url, ["realtime", `openai-insecure-api-key.${key}`]);
  const message = await new Promise<MessageEvent>((resolve, reject) => {
    socket.addEventListener("message", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  assert.equal(JSON.parse(String(message.data)).type, "session.created");
  assert.equal(socket.protocol, "realtime");
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.addEventListener("close", resolve, { once: true });
  });
  socket.close(1000);
  assert.equal((await closed).wasClean, true);
});

test("what a caller may not use is refused, however it spells the parameter", async (t) => {
  const { origin } = await behind(t, azure(), {
    apiKey: { keys: [{ key, metadata: { name: "team" }, allowedModels: ["gpt-realtime*"] }] },
  });
  (await open(origin, "/v1/realtime?model=gpt-realtime-mini", { headers })).socket.terminate();
  const bad = [
    "/v1/realtime?model=other",
    "/v1/realtime?intent=transcription",
    "/v1/realtime?call_id=rtc_1",
    "/openai/deployments/other/realtime",
  ];
  for (const path of bad) {
    const refusal = await refused(origin, path, { headers });
    assert.deepEqual([refusal.status, errorIn(refusal)["code"]], [403, "model_not_allowed"], path);
  }
  assert.equal(foundry.requests.length, 1);
  // One of two is sent, and that one is looked at.
  (
    await open(origin, "/v1/realtime?model=gpt-realtime&m%6Fdel=other", { headers })
  ).socket.terminate();
  assert.equal(foundry.sessions.at(-1)?.path, "/openai/v1/realtime?model=gpt-realtime");
});

test("no model, a path that is no session's, a route that is none: answered like any request", async (t) => {
  const { origin } = await behind(t);
  const cases = [
    ["/v1/realtime", 400, "missing_required_parameter"],
    ["/v1/chat/completions", 405, "method_not_allowed"],
    ["/v1/../realtime?model=m", 400, "bad_request_target"],
  ] as const;
  for (const [path, status, code] of cases) {
    const refusal = await refused(origin, "/", { headers, finishRequest: withPath(path) });
    assert.deepEqual([refusal.status, errorIn(refusal)["code"]], [status, code], path);
  }
  assert.equal(foundry.requests.length, 0);
});

/** Past ws's own URL parser. */
function withPath(path: string): (request: ClientRequest) => void {
  return (request) => {
    request.path = path;
    request.end();
  };
}

test("policies that answer do so, and those that edit headers edit the 101's", async (t) => {
  const yaml = routes(
    {
      matches: [{ path: { exact: "/moved" } }],
      policies: { requestRedirect: { authority: { full: "elsewhere.example" } } },
    },
    {
      policies: {
        backendAuth,
        responseHeaderModifier: { add: { "x-added": "yes" } },
        requestHeaderModifier: { set: { "x-set": "1", "sec-websocket-key": "forged" } },
        urlRewrite: { path: { prefix: "/v1" } },
        localRateLimit: [{ maxTokens: 1, tokensPerFill: 1, fillInterval: "1h" }],
      },
      matches: [{ path: { pathPrefix: "/azure" } }],
      backends: [azure()],
    },
  );
  const { origin } = await runGateway(t, yaml, { clock });
  const moved = await refused(origin, "/moved?api-key=secret&a=1");
  assert.deepEqual(
    [moved.status, moved.head.headers.location],
    [302, "http://elsewhere.example/moved?a=1"],
  );
  const client = await open(origin, "/azure/realtime?model=m");
  assert.equal(client.head.headers["x-added"], "yes");
  assert.equal(client.head.headers["x-ratelimit-remaining-requests"], "0");
  assert.equal(foundry.sessions[0]?.headers["x-set"], "1");
  client.socket.terminate();
  const limited = await refused(origin, "/azure/realtime?model=m");
  assert.equal(limited.status, 429);
  assert.equal(errorIn(limited)["code"], "rate_limit_exceeded");
});

test("the backend's refusals are the caller's answer", async (t) => {
  const { origin } = await behind(t, azure(undefined, { pathPrefix: "/nowhere" }));
  assert.equal((await refused(origin, "/v1/realtime?model=m", { headers })).status, 404);
  foundry.next({ kind: "rateLimited", retryAfter: 7 });
  const limited = await refused(origin, "/v1/realtime?model=m", { headers });
  assert.deepEqual([limited.status, limited.head.headers["retry-after"]], [429, "7"]);
  const body = Buffer.alloc(3_000_000, "x");
  foundry.next({ kind: "status", status: 403, body });
  const large = await refused(origin, "/v1/realtime?model=m", { headers });
  assert.deepEqual([large.status, large.body.length], [403, body.length]);
});

test("a token that the backend refuses is replaced once", async (t) => {
  const { origin, accessLog } = await behind(t);
  (await open(origin, "/v1/realtime?model=m", { headers })).socket.terminate();
  keyless.tokens.revoke();
  const client = await open(origin, "/v1/realtime?model=m", { headers });
  assert.equal(foundry.sessions.length, 2);
  client.socket.terminate();
  assert.equal((await accessLog(2))[1]?.["attempts"], 2);
  foundry.next({ kind: "unauthorized" }, 2);
  assert.equal((await refused(origin, "/v1/realtime?model=m", { headers })).status, 401);
});

test("before the 101 another backend is tried, as for any request", async (t) => {
  const yaml = routes({
    policies: { backendAuth },
    backends: [
      {
        ai: {
          groups: ["first", "second"].map((name) => ({
            providers: [
              {
                name,
                hostOverride: `localhost:${foundry.port}`,
                provider: { azure: { resourceName: "r", resourceType: "openAI", model: name } },
              },
            ],
          })),
        },
      },
    ],
  });
  const { origin, accessLog, gateway } = await runGateway(t, yaml, { clock });
  for (const failure of [
    { kind: "rateLimited", retryAfter: 0 },
    { kind: "status", status: 503 },
    { kind: "noAnswer", manner: "reset" },
    { kind: "garbage" },
  ] as const) {
    foundry.next(failure);
    const client = await open(origin, "/v1/realtime?model=m");
    assert.equal(foundry.sessions.at(-1)?.model, "second");
    client.socket.terminate();
  }
  assert.equal(
    (await accessLog(4)).every(({ backend }) => backend === "second"),
    true,
  );
  assert.equal(gateway.counts().failovers, 4);
});

test("tokens are taken from a rate limit as they are told, in the middle of the session", async (t) => {
  const { origin, accessLog } = await behind(t, azure(), {
    localRateLimit: [{ maxTokens: 30, tokensPerFill: 30, fillInterval: "1h", type: "tokens" }],
  });
  const first = await open(origin, "/v1/realtime?model=m", { headers });
  first.send({ type: "response.create" });
  await first.until("response.done");
  const second = await open(origin, "/v1/realtime?model=m", { headers });
  assert.equal(
    second.head.headers["x-ratelimit-remaining-tokens"],
    String(30 - sessionUsage.total_tokens),
  );
  first.send({ type: "response.create" });
  await first.until("response.done");
  assert.equal((await refused(origin, "/v1/realtime?model=m", { headers })).status, 429);
  first.socket.close(1000);
  await first.closed;
  second.socket.terminate();
  const [, line] = await accessLog(2);
  assert.partialDeepStrictEqual(line, { tokens: { input: 22, output: 14, total: 36 } });
});
