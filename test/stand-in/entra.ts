// Entra ID's token endpoint for applications, as @azure/identity calls it, and its signing keys.
import { mkdir, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { type CallerTokens, createCallerTokens } from "./caller-tokens.ts";
import type { KeyPair } from "./certificate.ts";
import { type EntraError, unknownTenant } from "./entra-error.ts";
import { type Application, type Grant, grantOf } from "./grant.ts";
import { type IssuerBehaviour, playIssuer, sendJson } from "./issuer-behaviour.ts";
import { type Loopback, startLoopback } from "./loopback.ts";
import { type Received, record } from "./received.ts";
import { createScript, type Script } from "./script.ts";
import type { TokenRecord, Tokens } from "./tokens.ts";

export type EntraOptions = {
  readonly tokens: Tokens;
  /** @azure/identity takes no authority over plain HTTP. */
  readonly certificate: KeyPair;
  /** The one tenant there is. */
  readonly tenantId: string;
  readonly applications: readonly Application[];
  /** 3,599 unless given, as Entra's. */
  readonly lifetimeSeconds?: number;
};

/** A call of the token endpoint. */
export type EntraCall = {
  readonly tenantId: string;
  readonly clientId: string | undefined;
  readonly scope: string | undefined;
  readonly credential: Grant["credential"];
  /** Undefined unless a token was given out. */
  readonly token: TokenRecord | undefined;
  readonly received: Received;
};

export type Entra = Omit<Loopback, "tcpSocket" | "resetConnections" | "endRequests"> &
  Script<IssuerBehaviour> & {
    readonly tenantId: string;
    /** `{origin}/{tenant}/v2.0` */
    readonly issuer: string;
    readonly environment: { readonly AZURE_AUTHORITY_HOST: string };
    /** What the workload identity webhook puts into a pod; writes the assertion into `directory`. */
    workloadEnvironment(application: Application, directory: string): Promise<WorkloadEnvironment>;
    readonly calls: readonly EntraCall[];
    /** Every request by path: discovery, token, keys. */
    readonly requests: readonly Received[];
    readonly signCallerToken: CallerTokens["sign"];
    readonly rotateKeys: CallerTokens["rotate"];
    /** Forgets calls, counts and script, and ends the connections that hang; keys stay. */
    reset(): void;
  };

export type WorkloadEnvironment = {
  readonly AZURE_AUTHORITY_HOST: string;
  readonly AZURE_TENANT_ID: string;
  readonly AZURE_CLIENT_ID: string;
  readonly AZURE_FEDERATED_TOKEN_FILE: string;
};

export async function startEntra(options: EntraOptions): Promise<Entra> {
  const { tokens, certificate, tenantId, applications, lifetimeSeconds = 3599 } = options;
  const script = createScript<IssuerBehaviour>();
  let calls: EntraCall[] = [];
  let requests: Received[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const recording = record(request, response, undefined, 2 ** 20);
    requests.push(recording.received);
    const body = await recording.readBody();

    const { pathname } = new URL(request.url ?? "/", loopback.origin);
    const [, tenant = "", ...rest] = pathname.split("/");
    const endpoint = rest.join("/");

    if (endpoint === "oauth2/v2.0/token" && request.method === "POST") {
      const form = new URLSearchParams(body.toString());
      const grant = grantOf(form, tenantId, applications);
      let token: TokenRecord | undefined;
      calls.push({
        tenantId: tenant,
        clientId: form.get("client_id") ?? undefined,
        scope: form.get("scope") ?? undefined,
        credential: grant.credential,
        received: recording.received,
        get token() {
          return token;
        },
      });
      const behaviour = script.take() ?? { kind: "answer" };
      const answer = await playIssuer(request, response, recording, behaviour);
      if (answer === undefined) return;
      if (tenant !== tenantId) return refuse(response, unknownTenant(tenant));
      if (grant.kind === "refused") return refuse(response, grant.error);

      const lifetime = answer.lifetimeSeconds ?? lifetimeSeconds;
      token = tokens.mint({
        identity: grant.application.name,
        audience: grant.scope,
        lifetimeSeconds: lifetime,
      });
      sendJson(response, 200, {
        token_type: "Bearer",
        ...(answer.expiry === "absent" ? {} : { expires_in: lifetime, ext_expires_in: lifetime }),
        access_token: token.token,
      });
      return;
    }

    if (tenant !== tenantId) return refuse(response, unknownTenant(tenant));
    if (endpoint === "v2.0/.well-known/openid-configuration") {
      return sendJson(response, 200, discovery(loopback.origin, tenantId));
    }
    if (endpoint === "discovery/v2.0/keys") {
      return sendJson(response, 200, await callerTokens.keySet());
    }
    sendJson(response, 404, { error: "not_found" });
  };

  const loopback = await startLoopback({ certificate }, (request, response) => {
    // The only failure left is a peer that went away.
    serve(request, response).catch(() => response.destroy());
  });
  const issuer = `${loopback.origin}/${tenantId}/v2.0`;
  const callerTokens = createCallerTokens(issuer, tenantId);
  const environment = { AZURE_AUTHORITY_HOST: `${loopback.origin}/` };

  return {
    ...loopback,
    get connections() {
      return loopback.connections;
    },
    tenantId,
    issuer,
    environment,
    async workloadEnvironment({ clientId, federatedToken }, directory) {
      if (federatedToken === undefined) throw new TypeError("no federated token to write");
      await mkdir(directory, { recursive: true });
      const file = join(directory, `federated-token-${clientId}`);
      await writeFile(file, federatedToken, { mode: 0o600 });
      return {
        ...environment,
        AZURE_TENANT_ID: tenantId,
        AZURE_CLIENT_ID: clientId,
        AZURE_FEDERATED_TOKEN_FILE: file,
      };
    },
    get calls() {
      return calls;
    },
    get requests() {
      return requests;
    },
    signCallerToken: callerTokens.sign,
    rotateKeys: callerTokens.rotate,
    next: script.next,
    always: script.always,
    reset() {
      script.reset();
      loopback.endRequests();
      calls = [];
      requests = [];
      loopback.resetConnections();
    },
  };
}

function refuse(response: ServerResponse, { status, body }: EntraError): void {
  sendJson(response, status, body);
}

const discovery = (origin: string, tenantId: string) => ({
  token_endpoint: `${origin}/${tenantId}/oauth2/v2.0/token`,
  token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
  jwks_uri: `${origin}/${tenantId}/discovery/v2.0/keys`,
  response_types_supported: ["code", "id_token"],
  subject_types_supported: ["pairwise"],
  id_token_signing_alg_values_supported: ["RS256"],
  issuer: `${origin}/${tenantId}/v2.0`,
  authorization_endpoint: `${origin}/${tenantId}/oauth2/v2.0/authorize`,
});
