// OpenAI's own realtime clients, which insist on TLS: over ws with OpenAI's and Azure's client, and over
// Node's WebSocket, which like a browser's sends the key as a subprotocol. And the calls that begin a
// session otherwise.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { text } from "node:stream/consumers";
import OpenAI, { AzureOpenAI } from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { type Authority, makeAuthority } from "../../stand-in/certificate.ts";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type RunningGateway, runGateway } from "../../gateway/running-gateway.ts";

const said = "Grüße aus 你好, 👋🏽!";
const key = "key-of-a-team";
const authority: Authority = await makeAuthority();
const certificate = await authority.serverCertificate();
const foundry = await startFoundry({ accept: "any", everyday: { content: said } });
after(() => foundry.close());

const config = `
llm:
  tls: {cert: cert.pem, key: key.pem}
  policies:
    apiKey: {keys: [{key: ${key}, metadata: {name: team}}]}
  models:
  - name: my-voice
    provider: azure
    auth: {key: any}
    params: {model: gpt-realtime, azureResourceName: r, azureResourceType: openAI, hostOverride: "r.openai.azure.com:80"}
  - name: "*"
    provider: azure
    auth: {key: any}
    params: {azureResourceName: r, azureResourceType: openAI, azureApiVersion: 2025-04-01-preview, hostOverride: "r.openai.azure.com:80"}
`;

async function behindGateway(t: TestContext): Promise<RunningGateway> {
  foundry.reset();
  const files = { "cert.pem": certificate.cert, "key.pem": certificate.key };
  return runGateway(t, config, { files, upstreamPort: foundry.port });
}

const options = { ca: authority.cert };

/** Asks for a response and returns its text. */
function converse(realtime: OpenAIRealtimeWS): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    realtime.on("error", reject);
    realtime.on("response.output_text.delta", ({ delta }) => void (answer += delta));
    realtime.on("response.done", () => resolve(answer));
    realtime.on("session.created", () => realtime.send({ type: "response.create" }));
  });
}

test("OpenAIRealtimeWS with OpenAI's client", async (t) => {
  const gateway = await behindGateway(t);
  const client = new OpenAI({ baseURL: `https://localhost:${gateway.port}/v1`, apiKey: key });
  const realtime = new OpenAIRealtimeWS({ model: "my-voice", options }, client);
  assert.equal(await converse(realtime), said);
  realtime.close();
  const [line] = await gateway.accessLog(1);
  assert.partialDeepStrictEqual(line, {
    caller: { key: "team" },
    modelRequested: "my-voice",
    modelSent: "gpt-realtime",
    tokens: { input: 11, output: 7, total: 18 },
    closeCode: 1000,
    outcome: "ok",
  });
  assert.equal(foundry.sessions[0]?.path, "/openai/v1/realtime?model=gpt-realtime");
});

test("OpenAIRealtimeWS with Azure's client, to a resource that is called by a dated version", async (t) => {
  const gateway = await behindGateway(t);
  const endpoint = `https://localhost:${gateway.port}`;
  const client = new AzureOpenAI({ endpoint, apiKey: key, apiVersion: "2024-10-01-preview" });
  const realtime = await OpenAIRealtimeWS.azure(client, { deploymentName: "any-voice", options });
  assert.equal(await converse(realtime), said);
  realtime.close();
  const [session] = foundry.sessions;
  assert.equal(
    session?.path,
    "/openai/realtime?api-version=2025-04-01-preview&deployment=any-voice",
  );
  assert.equal(session?.headers["api-key"], undefined);
});

test("a wrong key is raised as the client's own error", async (t) => {
  const gateway = await behindGateway(t);
  const client = new OpenAI({ baseURL: `https://localhost:${gateway.port}/v1`, apiKey: "wrong" });
  const realtime = new OpenAIRealtimeWS({ model: "my-voice", options }, client);
  const error = await new Promise<Error>((resolve) => realtime.on("error", resolve));
  assert.match(error.message, /401/);
  assert.equal(foundry.requests.length, 0);
});

/** Trust has to be there when a process starts, and this client takes no options. */
const browserLike = `
import OpenAI from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
const [baseURL, apiKey] = process.argv.slice(1);
const realtime = new OpenAIRealtimeWebSocket({ model: "my-voice" }, new OpenAI({ baseURL, apiKey }));
realtime.on("error", (error) => { console.log(error.message); process.exit(1); });
realtime.on("session.created", () => realtime.send({ type: "response.create" }));
realtime.on("response.output_text.done", (event) => console.log(event.text));
realtime.on("response.done", () => realtime.close());
`;

test("OpenAIRealtimeWebSocket, with the key as a subprotocol that goes no further", async (t) => {
  const gateway = await behindGateway(t);
  const directory = await mkdtemp(join(tmpdir(), "foundry-gateway-"));
  t.after(() => rm(directory, { recursive: true }));
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", browserLike, `https://localhost:${gateway.port}/v1`, key],
    { env: { ...process.env, ...(await authority.environment(directory)) } },
  );
  assert.equal(await text(child.stdout), `${said}\n`);
  const [session] = foundry.sessions;
  assert.equal(session?.headers["sec-websocket-protocol"], "realtime");
  assert.partialDeepStrictEqual(await gateway.accessLog(1), [{ outcome: "ok", status: 101 }]);
  assert.ok(!gateway.logText().includes(key));
});

test("client secrets, sessions and calls stay plain HTTP", async (t) => {
  foundry.reset();
  const plain = await runGateway(
    t,
    config.replace(/^ {2}tls.*$/m, "").replace(/azureApiVersion: [^,]*, /, ""),
    {
      upstreamPort: foundry.port,
    },
  );
  const client = new OpenAI({ baseURL: `${plain.origin}/v1`, apiKey: key, maxRetries: 0 });
  const secret = await client.realtime.clientSecrets.create({
    session: { type: "realtime", model: "gpt-realtime" },
  });
  assert.match(secret.value, /^ek_/);
  const ask = (path: string, type: string, body: string) =>
    fetch(plain.origin + path, {
      method: "POST",
      headers: { "api-key": key, "content-type": type },
      body,
    });
  const session = await ask("/v1/realtime/sessions", "application/json", '{"model":"any-voice"}');
  assert.equal(session.status, 200);
  assert.equal(JSON.parse(await session.text()).model, "any-voice");
  const call = await ask("/v1/realtime/calls", "application/sdp", "v=0\r\n");
  assert.deepEqual([call.status, await call.text()], [201, "v=0\r\nanswer"]);
  assert.deepEqual(
    foundry.requests.map(({ path }) => path),
    [
      "/openai/v1/realtime/client_secrets",
      "/openai/v1/realtime/sessions",
      "/openai/v1/realtime/calls",
    ],
  );
});
