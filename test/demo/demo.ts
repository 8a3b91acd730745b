/**
 * Shows the gateway at work on this machine: stand-ins for Azure AI Foundry, the managed identity
 * endpoint and Entra ID, the built gateway between them and a real OpenAI client.
 * With a terminal it stays up until Ctrl-C; with `--once`, or without a terminal, it ends.
 */
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import OpenAI from "openai";
import { startAzure } from "./azure.ts";
import { type LogLine, freePort, startGatewayProcess } from "./gateway-process.ts";

const root = dirname(dirname(import.meta.dirname));
const stays = process.stdout.isTTY && !process.argv.includes("--once");

const azure = await startAzure();
const port = await freePort();
const config = `config:
  readinessAddr: "off"
binds:
- port: ${port}
  listeners:
  - routes:
    - matches:
      - path:
          pathPrefix: /azure
      policies:
        urlRewrite:
          authority: auto
        backendAuth:
          azure:
            scope: https://ai.azure.com/.default
            explicitConfig:
              managedIdentity:
                userAssignedIdentity:
                  objectId: ${azure.objectId}
        backendTLS: {}
      backends:
      - ai:
          name: azure
          hostOverride: "localhost:${azure.foundry.port}"
          pathOverride: "/models/chat/completions?api-version=2024-05-01-preview"
          provider:
            openAI:
              model: gpt-5-mini
`;
const configFile = join(azure.directory, "config.yaml");
await writeFile(configFile, config);

heading("Azure, played by stand-ins on this machine");
say(`Foundry            https://localhost:${azure.foundry.port}`);
say(`identity endpoint  ${azure.identityEndpoint.origin}`);
say(`Entra ID           ${azure.entra.origin}`);

const gateway = await startGatewayProcess(
  join(root, "dist/gateway.cjs"),
  configFile,
  azure.environment,
);
const baseURL = `http://127.0.0.1:${port}/azure`;
heading("The gateway");
say(`dist/gateway.cjs -f config.yaml: Foundry by user-assigned managed identity, at ${baseURL}`);

const client = new OpenAI({ baseURL, apiKey: "the caller needs no key of Azure's", maxRetries: 0 });
const messages = [{ role: "user" as const, content: "Say hello." }];

heading("openai.chat.completions.create({ model: 'any-name', ... })");
const completion = await client.chat.completions.create({ model: "any-name", messages });
say(`answer             ${completion.choices[0]?.message.content ?? ""}`);
explain(await gateway.nextRequest());

heading("openai.chat.completions.create({ model: 'any-name', stream: true, ... })");
const stream = await client.chat.completions.create({ model: "any-name", messages, stream: true });
process.stdout.write("  answer             ");
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
process.stdout.write("\n");
explain(await gateway.nextRequest());

if (stays) {
  heading("Try it");
  say(`curl -N ${baseURL}/chat/completions -H 'content-type: application/json' \\`);
  say(`  -d '{"stream": true, "messages": [{"role": "user", "content": "Say hello."}]}'`);
  say("Ctrl-C ends it.");
  await new Promise<void>((resolve) => process.once("SIGINT", () => resolve()));
}
const code = await gateway.stop();
await azure.close();
heading(code === 0 ? "Done: the gateway drained and ended." : `The gateway ended with ${code}.`);
process.exitCode = code ?? 1;

/** What one request was, as the gateway's log tells it and as Foundry saw it. */
function explain(line: LogLine): void {
  const received = azure.foundry.requests.at(-1);
  const text = (name: string) => String(line[name]);
  say(`route, backend     ${text("route")} -> ${text("backend")}`);
  say(`model              ${text("modelRequested")} asked, ${text("modelSent")} sent`);
  say(`Foundry got        ${received?.method ?? ""} ${received?.path ?? ""}`);
  say(
    `token of           ${received?.token?.identity ?? "nobody"}, for ${received?.token?.audience ?? "nothing"}`,
  );
  say(`tokens used        ${JSON.stringify(line["tokens"])}`);
  say(
    `first byte, whole  ${text("timeToFirstByteMs")} ms, ${text("durationMs")} ms, ${text("responseBytes")} bytes`,
  );
}

function heading(text: string): void {
  console.log(`\n${text}`);
}

function say(text: string): void {
  console.log(`  ${text}`);
}
