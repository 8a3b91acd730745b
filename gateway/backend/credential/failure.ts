import type { AzureSource } from "../../config/run/backend.ts";

/** A call for a token that failed, with whom was asked and what came of it. */
export class IssuerError extends Error {
  /** @param asked absent when it failed before anybody was asked */
  constructor(asked: string | undefined, cause: unknown) {
    const message = cause instanceof Error ? `${cause.name}: ${cause.message}` : "unknown failure";
    super(asked === undefined ? message : `${asked}; ${message}`, { cause });
    this.name = "IssuerError";
  }
}

/** Longest text of an SDK error that goes into the log. */
const maxLength = 400;

/**
 * What the log may say of a failed token call. The SDK's messages repeat what the issuer answered,
 * so whatever looks like a token, and the secret itself, is blotted out. Never throws.
 */
export function describeFailure(error: unknown, source: AzureSource): string {
  const text = error instanceof Error ? error.message : "unknown failure";
  const blotted = secretsOf(source)
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text)
    .replaceAll(/eyJ[\w-]+(\.[\w-]+)*/g, "[redacted]")
    // Longer than an id or a name, and with a digit in it.
    .replaceAll(/(?=[\w+~-]*\d)[\w+~-]{40,}={0,2}/g, "[redacted]")
    .replaceAll(/\s+/g, " ")
    .trim();
  return blotted.length > maxLength ? `${blotted.slice(0, maxLength)}...` : blotted;
}

/** As configured, and as it is written in a form. */
function secretsOf(source: AzureSource): readonly string[] {
  if (source.kind !== "clientSecret") return [];
  const secret = source.clientSecret.reveal();
  return secret === "" ? [] : [secret, encodeURIComponent(secret)];
}

/** The credential in the log: what it is and whose, never a secret. */
export function describeSource(source: AzureSource): string {
  switch (source.kind) {
    case "clientSecret":
      return `clientSecret of application ${source.clientId}`;
    case "managedIdentity":
      return source.identity.kind === "systemAssigned"
        ? "system-assigned managed identity"
        : `user-assigned managed identity with ${source.identity.kind} ${source.identity.id}`;
    case "workloadIdentity":
      return "workload identity";
    case "implicit":
      return "implicit: environment, workload identity, managed identity, developer tools";
    case "developerImplicit":
      return "developerImplicit: az or azd";
  }
}
