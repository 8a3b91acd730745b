// The gateway and the Foundry that every client's test talks to.
import type { TestContext } from "node:test";
import { startFoundry } from "../../stand-in/foundry.ts";
import { type RunningGateway, runGateway } from "../../gateway/running-gateway.ts";

/** What the model says, whoever asks. */
export const said = "Grüße aus 你好, 👋🏽!";
export const key = "key-of-a-team";

/** Plain HTTP to the stand-in; everything else as against Azure. */
const models = `
llm:
  policies:
    apiKey: {keys: [{key: ${key}, metadata: {name: team}}]}
  models:
  - name: claude-*
    provider: azure
    auth: {key: any}
    params: {azureResourceName: my-foundry, azureResourceType: foundry, hostOverride: "my-foundry.services.ai.azure.com:80"}
  - name: "*"
    provider: azure
    auth: {key: any}
    params: {azureResourceName: my-resource, azureResourceType: openAI, hostOverride: "my-resource.openai.azure.com:80"}
`;

/** A Foundry behind a gateway, stopped when the test ends. */
export async function behindGateway(test: TestContext) {
  const foundry = await startFoundry({ accept: "any", everyday: { content: said } });
  test.after(() => foundry.close());
  const gateway: RunningGateway = await runGateway(test, models, { upstreamPort: foundry.port });
  return {
    origin: gateway.origin,
    /** The path of each request that came to the Foundry. */
    paths: () => foundry.requests.map(({ path }) => path),
    /** Of the `count`-th request, from 1: who called, for which model, and what it used. */
    async line(count: number) {
      const { caller, modelSent, tokens } = (await gateway.accessLog(count))[count - 1] ?? {};
      return { caller, modelSent, tokens };
    },
  };
}
