import type { AzureSource } from "../../config/run.ts";

/** Longest text of an SDK error that goes into the log. */
const maxLength = 400;

/**
 * What the log may say of a failed token call. The SDK's messages repeat what the issuer answered,
 * so whatever looks like a token, and the secret itself, is blotted out.
 */
export function describeFailure(error: unknown, source: AzureSource): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const secret = source.kind === "clientSecret" ? source.clientSecret.reveal() : "";
  const blotted = (secret === "" ? text : text.replaceAll(secret, "[redacted]"))
    .replaceAll(/eyJ[\w-]+(\.[\w-]+)*/g, "[redacted]")
    .replaceAll(/\b[A-Za-z0-9+/_~-]{80,}={0,2}/g, "[redacted]")
    .replaceAll(/\s+/g, " ")
    .trim();
  return blotted.length > maxLength ? `${blotted.slice(0, maxLength)}...` : blotted;
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
  }
}
