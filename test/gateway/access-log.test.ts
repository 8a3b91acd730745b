// One line for each request says what became of it. The threat: the log is read by more people than the
// prompts are meant for, and kept for longer than a token lives. No prompt, completion, credential,
// header or query gets into any line, whatever goes wrong (pitfall 6).
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { type Clock, systemClock } from "../../gateway/clock.ts";
import { startFoundry } from "../stand-in/foundry.ts";
import { startIdentityEndpoint } from "../stand-in/identity-endpoint.ts";
import { createTokens } from "../stand-in/tokens.ts";
import { type Call, call, chat, exchangeBytes, open } from "./caller.ts";
import { model, routes, systemAssigned } from "./configuration.ts";
import { runGateway } from "./running-gateway.ts";

const tokens = createTokens();
const foundry = await startFoundry({ tokens, everyday: { content: "completionword one two" } });
const identity = await startIdentityEndpoint({
  tokens,
  systemAssigned: { name: "gateway", clientId: "c", objectId: "o" },
});
// The identity library reads the environment of the process.
Object.assign(process.env, identity.environment);
beforeEach(() => {
  foundry.reset();
  identity.reset();
});
after(async () => {
  await foundry.close();
  await identity.close();
});

const ai = {
  name: "models",
  matches: [{ path: { pathPrefix: "/v1" } }],
  backends: [model(`localhost:${foundry.port}`)],
  policies: { backendAuth: systemAssigned },
};
const keyed = {
  name: "keyed",
  matches: [{ path: { pathPrefix: "/keyed" } }],
  backends: [{ host: `localhost:${foundry.port}` }],
  policies: {
    backendAuth: { key: { value: "secretkey", location: { header: { name: "api-key" } } } },
    urlRewrite: { path: { prefix: "/" } },
  },
};
const messages = [{ role: "user", content: "promptword" }];

test("the line of a stream has all that is known of it, and nothing else", async (t) => {
  const { origin, accessLog } = await runGateway(t, routes(ai));
  const asked = chat({ model: "gpt-4", messages, stream: true }, { "x-request-id": "id-1" });
  const reply = await call(origin, { ...asked, path: "/v1/chat/completions?api-version=1" });
  const [line] = await accessLog(1);
  const { time, timeToFirstByteMs, durationMs, upstreamRequestId, requestBytes, ...steady } =
    line ?? {};
  assert.deepEqual(steady, {
    level: 30,
    msg: "request",
    requestId: "id-1",
    bind: 3000,
    listener: "listener0",
    route: "models",
    backend: "foundry",
    method: "POST",
    path: "/v1/chat/completions",
    status: 200,
    upstreamStatus: 200,
    attempts: 1,
    modelRequested: "gpt-4",
    modelSent: "gpt-5-mini",
    stream: true,
    tokens: { input: 1, output: 3, total: 4 },
    responseBytes: reply.body.length,
    outcome: "ok",
  });
  assert.equal(typeof time, "number");
  assert.equal(requestBytes, Buffer.byteLength(asked.body ?? ""));
  assert.ok(Number(timeToFirstByteMs) >= 0);
  assert.ok(Number(durationMs) >= Number(timeToFirstByteMs));
  assert.match(String(upstreamRequestId), /^[0-9a-f-]{36}$/);
});

test("the line of a host backend's request counts its bytes and knows of no model", async (t) => {
  const { origin, accessLog } = await runGateway(t, routes(keyed));
  foundry.next({ kind: "status", status: 418, body: "teapot" });
  await call(origin, { method: "PATCH", path: "/keyed/language/x?key=queryword", body: "12345" });
  const [line] = await accessLog(1);
  assert.partialDeepStrictEqual(line, {
    route: "keyed",
    backend: `localhost:${foundry.port}`,
    method: "PATCH",
    path: "/keyed/language/x",
    status: 418,
    upstreamStatus: 418,
    requestBytes: 5,
    responseBytes: 6,
    outcome: "ok",
  });
  for (const field of ["modelRequested", "modelSent", "stream", "tokens"]) {
    assert.equal(line !== undefined && field in line, false, field);
  }
});

test("the line of a request that reached no backend says why", async (t) => {
  const { origin, accessLog } = await runGateway(t, routes(ai));
  await call(origin, { path: "/nowhere?queryword" });
  await call(origin, chat("{"));
  const [nowhere, broken] = await accessLog(2);
  assert.partialDeepStrictEqual(nowhere, { status: 404, outcome: "no_route", attempts: 0 });
  assert.equal(nowhere !== undefined && "route" in nowhere, false);
  assert.partialDeepStrictEqual(broken, {
    status: 400,
    outcome: "invalid_json",
    route: "models",
    backend: "foundry",
  });
});

test("a target that is a whole URL is logged as its path, without the password it may carry", async (t) => {
  const { port, accessLog, logText } = await runGateway(t, routes(keyed));
  for (const target of [
    "http://user:passwordword@in.example/keyed/language/x?queryword",
    "http://in.example/keyed/language/y",
    "ftp://user:passwordword@in.example/keyed",
  ]) {
    await exchangeBytes(port, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  }
  const paths = (await accessLog(3)).map(({ path }) => path);
  assert.deepEqual(paths, ["/keyed/language/x", "/keyed/language/y", "in.example/keyed"]);
  assert.doesNotMatch(logText(), /passwordword|queryword/);
});

test("an answer of the backend's own has an outcome of ok: it is not the gateway's failure", async (t) => {
  const { origin, accessLog } = await runGateway(t, routes(ai));
  foundry.next({ kind: "rateLimited" });
  await call(origin, chat({ messages }));
  assert.partialDeepStrictEqual(await accessLog(1), [
    { status: 429, upstreamStatus: 429, outcome: "ok", level: 30 },
  ]);
});

test(
  "whatever happens, there is one line each and no secret in any",
  { timeout: 20_000 },
  async (t) => {
    const hurried: Clock = {
      now: systemClock.now,
      after: (milliseconds, work) => systemClock.after(milliseconds / 100, work),
    };
    const { origin, accessLog, logText } = await runGateway(t, routes(ai, keyed), {
      clock: hurried,
    });
    const headers = {
      authorization: "Bearer headerword",
      "api-key": "headerword",
      cookie: "headerword",
      "x-anything": "headerword",
    };
    const asked = {
      ...chat({ messages, model: "gpt-4", stream: true }, headers),
      path: "/v1/chat/completions?queryword=queryword",
    };
    let count = 0;
    const once = async (whose: Call = asked) => {
      await call(origin, whose);
      count += 1;
    };

    await once();
    await once(chat({ messages }, headers));
    await once({ ...asked, path: "/keyed/language/promptless?queryword" });
    await once({ ...asked, body: '{"messages":"promptword' });
    await once({ ...asked, body: '["promptword"]' });
    for (const behaviour of [
      { kind: "garbage", bytes: Buffer.from("completionword\r\n\r\n") },
      {
        kind: "garbage",
        bytes: Buffer.from("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\ncompletionword"),
      },
      { kind: "noAnswer", manner: "reset" },
      { kind: "truncated" },
      { kind: "status", status: 500, body: "completionword" },
      { kind: "contentFiltered" },
      { kind: "unauthorized" },
      { kind: "answer", cut: { at: { insideEvent: 4 }, manner: "destroy" } },
    ] as const) {
      foundry.next(behaviour, 2);
      await once();
      foundry.reset();
    }
    await foundry.refuseConnections();
    await once();
    await foundry.acceptConnections();

    foundry.next({ kind: "hang" });
    const { request } = open(origin, asked);
    request.end(asked.body);
    await foundry.whenReceived(foundry.requests.length + 1);
    request.destroy();
    count += 1;
    await accessLog(count);

    // The issuer repeats what it was sent, and worse, in its errors.
    const leaking = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
    identity.always({
      kind: "status",
      status: 400,
      body: { error: leaking, error_description: leaking },
    });
    const outage = await runGateway(t, routes(ai), { clock: hurried });
    assert.equal((await call(outage.origin, asked)).status, 502);
    await outage.accessLog(1);
    assert.match(outage.logText(), /"msg":"no token"/);

    const lines = await accessLog(count);
    assert.equal(lines.length, count);
    const ids = lines.map(({ requestId }) => requestId);
    assert.equal(new Set(ids).size, count);
    const text = logText() + outage.logText();
    for (const word of [
      "promptword",
      "completionword",
      "queryword",
      "headerword",
      "secretkey",
      "stand-in-token-",
      "eyJ",
      "Bearer",
      identity.environment.IDENTITY_HEADER,
      ...tokens.all().map(({ token }) => token),
    ]) {
      assert.ok(
        !text.includes(word),
        `the log has ${word}: ${text.split("\n").find((line) => line.includes(word))}`,
      );
    }
  },
);
