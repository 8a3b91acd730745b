import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type RequestListener, type Server, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { stringify } from "yaml";
import { nodeFlags } from "../infra/node-flags.ts";

const callerKey = "sk-warm-up";
const scope = "https://ai.azure.com/.default";
const completion = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

/**
 * Has a bundle carry a request and a stream, with a caller's key and a managed identity's token, in a
 * process of its own that then writes beside it what V8 has compiled. Rejects when it does not.
 */
export async function warmUp(bundle: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "foundry-gateway-"));
  const azure = await listen(answer);
  const gateway = await listen();
  await close(gateway.server);
  const config = join(folder, "config.yaml");
  await writeFile(config, stringify(configOf(gateway.port, azure.port)));
  const child = fork(join(import.meta.dirname, "warmed.ts"), ["-f", config], {
    execArgv: nodeFlags,
    env: {
      BUNDLE: bundle,
      IDENTITY_ENDPOINT: `http://127.0.0.1:${azure.port}/token`,
      IDENTITY_HEADER: "warm-up",
    },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const ended = once(child, "exit").then(([code]) => {
    if (code !== 0) throw new Error(`the gateway that was to be warmed up exited with ${code}`);
  });
  try {
    if (child.stdout !== null) {
      // Its first line is that it listens.
      await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended]);
    }
    for (const stream of [false, true]) await ask(gateway.port, stream);
    child.send("enough");
    await ended;
  } finally {
    child.kill();
    azure.server.closeAllConnections();
    await close(azure.server);
    await rm(folder, { recursive: true });
  }
}

/** As the component renders it. */
function configOf(port: number, azurePort: number): object {
  const route = {
    matches: [{ path: { pathPrefix: "/v1" } }],
    policies: {
      apiKey: { keys: [{ key: callerKey }] },
      backendAuth: { azure: { scope, explicitConfig: { managedIdentity: {} } } },
    },
    backends: [
      {
        ai: {
          name: "foundry",
          hostOverride: `127.0.0.1:${azurePort}`,
          provider: { openAI: { model: "gpt-5-mini" } },
        },
      },
    ],
  };
  return {
    config: { readinessAddr: "off" },
    binds: [{ port, listeners: [{ routes: [route] }] }],
  };
}

/** The identity endpoint and Foundry, as far as they are asked here. */
const answer: RequestListener = async (request, response) => {
  response.setHeader("content-type", "application/json");
  if (request.url?.startsWith("/token") === true) {
    const expires = String(Math.ceil(Date.now() / 1000) + 3600);
    response.end(JSON.stringify({ access_token: "warm-up", expires_on: expires }));
  } else if ((await text(request)).includes('"stream":true')) {
    response.setHeader("content-type", "text/event-stream");
    response.end(`data: ${completion}\n\ndata: [DONE]\n\n`);
  } else response.end(completion);
};

async function ask(port: number, stream: boolean): Promise<void> {
  const answered = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${callerKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o", stream, messages: [{ role: "user", content: "Hi" }] }),
  });
  const said = await answered.text();
  if (!answered.ok) throw new Error(`the gateway answered ${answered.status}: ${said}`);
}

async function listen(listener?: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("no TCP address");
  return { server, port: address.port };
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
