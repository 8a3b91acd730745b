// The process that askAzureIdentity starts: the question in its argument, the answers on stdout.
import {
  ClientSecretCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
import type { CredentialAnswer, CredentialQuestion } from "./azure-identity.ts";

const question: CredentialQuestion = JSON.parse(process.argv[2] ?? "");
const credential = credentialOf(question.credential);
const answers: CredentialAnswer[] = [];
for (const scope of question.scopes) {
  answers.push(await ask(credential, scope));
}
process.stdout.write(JSON.stringify(answers));

function credentialOf(asked: CredentialQuestion["credential"]): TokenCredential {
  // The authority is asked directly, not whether Microsoft knows it; and a failure shows at once.
  const common = { disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 } };
  switch (asked.kind) {
    case "managedIdentity":
      return new ManagedIdentityCredential({ ...common, ...asked.options });
    case "clientSecret":
      return new ClientSecretCredential(asked.tenantId, asked.clientId, asked.clientSecret, common);
    case "workloadIdentity":
      return new WorkloadIdentityCredential(common);
  }
}

async function ask(from: TokenCredential, scope: string): Promise<CredentialAnswer> {
  try {
    const got = await from.getToken(scope);
    if (got === null) return { kind: "error", name: "null", message: "no token" };
    return { kind: "token", token: got.token, expiresAt: got.expiresOnTimestamp };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { kind: "error", name: error.name, message: error.message };
  }
}
