// The managed identity endpoint of Azure Container Apps (the protocol of App Service 2019-08-01).
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type IssuerBehaviour, playIssuer, sendJson } from "./issuer-behaviour.ts";
import { type Loopback, startLoopback } from "./loopback.ts";
import { type Received, record } from "./received.ts";
import { createScript, type Script } from "./script.ts";
import type { TokenRecord, Tokens } from "./tokens.ts";

export type ManagedIdentity = {
  /** The identity in the token's record. */
  readonly name: string;
  readonly clientId: string;
  readonly objectId: string;
  /** `/subscriptions/.../userAssignedIdentities/...`; a system-assigned identity has none. */
  readonly resourceId?: string;
};

export type IdentityEndpointOptions = {
  readonly tokens: Tokens;
  readonly systemAssigned?: ManagedIdentity;
  readonly userAssigned?: readonly ManagedIdentity[];
  /** A day unless given, as Azure's. */
  readonly lifetimeSeconds?: number;
};

/** As @azure/identity sends them; any other selector would choose nothing, silently. */
export type Selector = "client_id" | "object_id" | "mi_res_id";

export type IdentityCall = {
  readonly resource: string | undefined;
  /** Undefined: the system-assigned identity. */
  readonly selector: { readonly parameter: Selector; readonly value: string } | undefined;
  /** Undefined unless a token was given out. */
  readonly token: TokenRecord | undefined;
  readonly received: Received;
};

export type IdentityEndpoint = Omit<Loopback, "tcpSocket" | "resetConnections" | "endRequests"> &
  Script<IssuerBehaviour> & {
    /** What Container Apps puts into an app's environment. */
    readonly environment: { readonly IDENTITY_ENDPOINT: string; readonly IDENTITY_HEADER: string };
    readonly calls: readonly IdentityCall[];
    /** Forgets calls, counts and script, and ends the connections that hang. */
    reset(): void;
  };

const selectors: readonly Selector[] = ["client_id", "object_id", "mi_res_id"];

export async function startIdentityEndpoint(
  options: IdentityEndpointOptions,
): Promise<IdentityEndpoint> {
  const { tokens, systemAssigned, userAssigned = [], lifetimeSeconds = 86_400 } = options;
  const secret = randomUUID();
  const script = createScript<IssuerBehaviour>();
  let calls: IdentityCall[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://stand-in");
    const query = url.searchParams;
    const resource = query.get("resource") ?? undefined;
    const chosen = selectors.flatMap((parameter) => {
      const value = query.get(parameter);
      return value === null ? [] : [{ parameter, value }];
    });
    const selector = chosen[0];
    const recording = record(request, response, undefined, 0);
    let token: TokenRecord | undefined;
    calls.push({
      resource,
      selector,
      received: recording.received,
      get token() {
        return token;
      },
    });

    await recording.readBody();
    const behaviour = script.take() ?? { kind: "answer" };
    const answer = await playIssuer(request, response, recording, behaviour);
    if (answer === undefined) return;

    if (url.pathname !== "/msi/token" || request.method !== "GET") {
      return refuse(response, 404, "Not found.");
    }
    if (request.headers["x-identity-header"] !== secret) {
      return refuse(response, 401, "The X-IDENTITY-HEADER is missing or wrong.");
    }
    if (query.get("api-version") !== "2019-08-01") {
      return refuse(response, 400, "The api-version is missing or not supported.");
    }
    if (resource === undefined || resource === "" || resource.endsWith("/.default")) {
      return refuse(response, 400, "The resource is missing or not one.");
    }
    if (chosen.length > 1) return refuse(response, 400, "More than one identity is specified.");

    const identity = selector === undefined ? systemAssigned : find(userAssigned, selector);
    if (identity === undefined) {
      return refuse(
        response,
        400,
        selector === undefined
          ? "No System Assigned or Delegated Managed Identity found."
          : "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
      );
    }

    token = tokens.mint({
      identity: identity.name,
      audience: resource,
      lifetimeSeconds: answer.lifetimeSeconds ?? lifetimeSeconds,
    });
    const expiry = answer.expiry ?? "usual";
    const seconds = String(Math.floor(token.expiresAt / 1000));
    const expiresOn = expiry === "iso" ? new Date(token.expiresAt).toISOString() : seconds;
    sendJson(response, 200, {
      access_token: token.token,
      ...(expiry === "absent" ? {} : { expires_on: expiresOn }),
      resource,
      token_type: "Bearer",
      client_id: identity.clientId,
    });
  };

  const loopback = await startLoopback({}, (request, response) => {
    // The only failure left is a peer that went away.
    serve(request, response).catch(() => response.destroy());
  });

  return {
    ...loopback,
    get connections() {
      return loopback.connections;
    },
    environment: {
      IDENTITY_ENDPOINT: `${loopback.origin}/msi/token`,
      IDENTITY_HEADER: secret,
    },
    get calls() {
      return calls;
    },
    next: script.next,
    always: script.always,
    reset() {
      script.reset();
      loopback.endRequests();
      calls = [];
      loopback.resetConnections();
    },
  };
}

/** Azure compares ids and resource ids without regard to case. */
function find(
  identities: readonly ManagedIdentity[],
  { parameter, value }: { readonly parameter: Selector; readonly value: string },
): ManagedIdentity | undefined {
  const field = { client_id: "clientId", object_id: "objectId", mi_res_id: "resourceId" } as const;
  const wanted = value.toLowerCase();
  return identities.find((identity) => identity[field[parameter]]?.toLowerCase() === wanted);
}

function refuse(response: ServerResponse, statusCode: number, message: string): void {
  sendJson(response, statusCode, { statusCode, message, correlationId: randomUUID() });
}
