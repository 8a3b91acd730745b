import { createHash } from "node:crypto";
import { faultInKeySet } from "./jwk-set.ts";
import type { Path } from "./problem.ts";
import type { CheckedPolicy, Resolving } from "./resolving.ts";
import type { ApiKeyAuth, JwtAuth } from "./run/policies.ts";

/** The headers in which OpenAI's, Azure OpenAI's and Anthropic's clients send a key. */
const keyLocations = [
  { header: "authorization", prefix: "Bearer " },
  { header: "api-key", prefix: "" },
  { header: "x-api-key", prefix: "" },
] as const;

/** @param path of the policies that `apiKey` is one of */
export function resolveApiKey(
  written: CheckedPolicy<"apiKey">,
  path: Path,
  { problem }: Resolving,
): ApiKeyAuth {
  const keys = written.keys.map(({ key, keyHash, metadata, allowedModels }, index) => ({
    hash: key === undefined ? (keyHash ?? "").slice("sha256:".length).toLowerCase() : sha256(key),
    name: typeof metadata?.["name"] === "string" ? metadata["name"] : `key${index}`,
    allowedModels,
  }));
  for (const [index, { hash }] of keys.entries()) {
    const first = keys.findIndex((other) => other.hash === hash);
    if (first !== index)
      problem([...path, "apiKey", "keys", index], `the same key as keys[${first}]`);
  }
  const header = written.location?.header;
  return {
    mode: written.mode ?? "strict",
    keys,
    locations:
      header === undefined
        ? keyLocations
        : [{ header: header.name.toLowerCase(), prefix: header.prefix ?? "" }],
  };
}

/** Signatures that need no shared secret. */
const asymmetric = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
];

/** @param path of the policies that `jwtAuth` is one of */
export function resolveJwt(
  written: CheckedPolicy<"jwtAuth">,
  path: Path,
  { pem, problem, warning }: Resolving,
): JwtAuth {
  const { url, file, inline } = written.jwks;
  // A file that is not there has been reported.
  const text = inline ?? (file === undefined ? "" : pem.text(file));
  const fault = url === undefined && text !== undefined ? faultInKeySet(text) : undefined;
  if (fault !== undefined) problem([...path, "jwtAuth", "jwks"], fault);
  if (url !== undefined && isOpenToChange(url)) {
    warning(
      [...path, "jwtAuth", "jwks", "url"],
      "keys fetched over plain HTTP can be replaced by anyone on the way: use https",
    );
  }
  for (const algorithm of written.algorithms ?? []) {
    if (!asymmetric.includes(algorithm)) {
      problem(
        [...path, "jwtAuth", "algorithms"],
        `${algorithm} is not one of ${asymmetric.join(", ")}`,
      );
    }
  }
  return {
    mode: written.mode ?? "strict",
    issuer: written.issuer,
    audiences: written.audiences,
    jwks: url === undefined ? { kind: "inline", text: text ?? "" } : { kind: "url", url },
    algorithms: written.algorithms ?? asymmetric,
    requiredRoles: written.requiredRoles ?? [],
    requiredScopes: written.requiredScopes ?? [],
  };
}

function isOpenToChange(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
