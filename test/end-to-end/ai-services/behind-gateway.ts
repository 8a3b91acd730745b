// The example as it stands, with TLS ended in front of it as Container Apps' ingress does, and the two
// accounts it names behind it.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { type TestContext, after } from "node:test";
import { type Account, startAccount } from "../../stand-in/ai-services/account.ts";
import type { Voice } from "../../stand-in/ai-services/synthesis.ts";
import { type KeyPair, makeAuthority } from "../../stand-in/certificate.ts";
import { startIdentityEndpoint } from "../../stand-in/identity-endpoint.ts";
import { createTokens } from "../../stand-in/tokens.ts";
import { type RunningGateway, runGateway, trust } from "../../gateway/running-gateway.ts";
import { system } from "../azure.ts";

const example = join(import.meta.dirname, "../../../examples/azure-ai-services.yaml");
const authority = await makeAuthority();
// The gateway's system roots, and the clients' of the tests.
trust(authority);
const certificate = await authority.serverCertificate("*.cognitiveservices.azure.com");
const tokens = createTokens();
const identity = await startIdentityEndpoint({ tokens, systemAssigned: system });
// From where Azure's SDK takes it.
Object.assign(process.env, identity.environment);
after(() => identity.close());

/** Its hash is in the example. */
export const key = "test";

export type BehindGateway = {
  /** What a caller's client is given as its endpoint. */
  readonly endpoint: string;
  readonly gateway: RunningGateway;
  readonly contoso: Account;
  readonly sweden: Account;
  /** Another gateway in front of the same accounts, which has seen nothing yet. */
  replica(): Promise<RunningGateway>;
};

export async function behindGateway(
  test: TestContext,
  options: {
    readonly change?: (yaml: string) => string;
    readonly voice?: Voice;
    readonly random?: () => number;
  } = {},
): Promise<BehindGateway> {
  const { change = (yaml) => yaml, voice, random = () => 0 } = options;
  const yaml = change(readFileSync(example, "utf8"));
  const settings = { tokens, certificate, ...(voice === undefined ? {} : { voice }) };
  const [contoso, sweden] = await Promise.all([startAccount(settings), startAccount(settings)]);
  test.after(() => Promise.all([contoso.close(), sweden.close()]));
  const replica = () =>
    runGateway(test, yaml, {
      random,
      dial: ({ host }) => ({
        host: "127.0.0.1",
        port: host === "contoso-sweden.cognitiveservices.azure.com" ? sweden.port : contoso.port,
      }),
    });
  const gateway = await replica();
  const endpoint = await endTls(test, certificate, gateway.port);
  return { endpoint, gateway, contoso, sweden, replica };
}

/** Whatever comes by TLS goes on without it. */
async function endTls(test: TestContext, pair: KeyPair, port: number): Promise<string> {
  const ingress = createServer(pair, (socket) => {
    const onward = connect(port, "127.0.0.1");
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  ingress.listen(0, "127.0.0.1");
  await once(ingress, "listening");
  test.after(() => ingress.close());
  const address = ingress.address();
  if (address === null || typeof address === "string") throw new TypeError("no TCP address");
  return `https://localhost:${address.port}`;
}
