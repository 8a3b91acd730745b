import type { CheckedBackend, Found, Resolving } from "./resolving.ts";
import type { ClientTls } from "./run/backend.ts";

type CheckedTls = NonNullable<NonNullable<CheckedBackend["policies"]>["backendTLS"]>;

/** TLS with system roots whenever the port is 443; agentgateway would speak plain text to it. */
export function resolveTls(
  { value, path }: Found<CheckedTls | null | undefined>,
  port: number,
  { pem }: Resolving,
): ClientTls | undefined {
  if (value === undefined && port !== 443) return undefined;
  const { root, cert, key, hostname, insecure, insecureHost } = value ?? {};
  return {
    roots: root === undefined ? undefined : pem.certificates(root, [...path, "root"]),
    client: cert === undefined || key === undefined ? undefined : pem.pair(cert, key, path),
    serverName: hostname,
    verify: insecure === true ? "none" : insecureHost === true ? "chain" : "full",
  };
}
