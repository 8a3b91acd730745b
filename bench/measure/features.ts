import { randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { Contender } from "../contender.ts";
import {
  callersByKey,
  configOf,
  groupedModel,
  managedIdentity,
  model,
  otherRoutes,
  startGateway,
} from "../contenders/gateway.ts";
import { callerKey } from "../job.ts";

/** Gateways that differ in one feature, so that what it costs can be told. */
export async function featureVariants(): Promise<readonly Contender[]> {
  const jwt = await callerTokens();
  const withKey = { authorization: `Bearer ${callerKey}` };
  const limit = { maxTokens: 1e9, tokensPerFill: 1e9, fillInterval: "60s" };
  return [
    variant("no policy", {}),
    variant("no policy, young generation of 64 MiB", { nodeOptions: "--max-semi-space-size=64" }),
    variant("caller key", { policies: callersByKey, headers: withKey }),
    variant("JWT", {
      policies: { jwtAuth: jwt.policy },
      headers: { authorization: `Bearer ${jwt.token}` },
    }),
    variant("rate limit by requests", { policies: { localRateLimit: [limit] } }),
    variant("rate limit by tokens", {
      policies: { localRateLimit: [{ ...limit, type: "tokens" }] },
    }),
    variant("retry, three groups", { groups: 3, policies: { retry: { attempts: 2 } } }),
    variant("access log to a file", { log: "file" }),
    variant("10 routes", { routes: 10 }),
    variant("100 routes", { routes: 100 }),
    variant("1,000 routes", { routes: 1_000 }),
  ];
}

type Variation = {
  readonly policies?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly nodeOptions?: string;
  readonly routes?: number;
  /** Backends in so many groups, each after the other. */
  readonly groups?: number;
  /** Nowhere unless told. */
  readonly log?: "file";
};

function variant(title: string, change: Variation): Contender {
  const { policies = {}, headers = {}, routes = 1, groups, nodeOptions, log = "nowhere" } = change;
  return {
    name: title,
    title,
    job: "model",
    runtime: "node",
    headers,
    absent: () => undefined,
    start(site) {
      const { upstreamPort } = site;
      const backend =
        groups === undefined ? model(upstreamPort) : groupedModel(upstreamPort, groups);
      const route = {
        name: "models",
        matches: [{ path: { pathPrefix: "/v1" } }],
        policies: { ...managedIdentity, ...policies },
        backends: [backend],
      };
      const config = configOf(site.port, [...otherRoutes(routes - 1), route]);
      return startGateway(site, config, { nodeOptions, log });
    },
  };
}

/** A token of a caller, and the check that knows its key. */
async function callerTokens() {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const kid = randomUUID();
  const inline = JSON.stringify({
    keys: [{ ...(await exportJWK(publicKey)), kid, use: "sig", alg: "RS256" }],
  });
  const issuer = "https://issuer.invalid/v2.0";
  const token = await new SignJWT({ azp: "bench" })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid })
    .setIssuer(issuer)
    .setSubject("bench")
    .setAudience("api://bench")
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(privateKey);
  return { token, policy: { issuer, audiences: ["api://bench"], jwks: { inline } } };
}
