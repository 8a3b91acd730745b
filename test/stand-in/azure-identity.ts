// Asks the real @azure/identity for tokens, each time in a process of its own: its managed identity
// cache is one per process, and Node reads NODE_EXTRA_CA_CERTS only at its start.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export type CredentialQuestion = {
  readonly credential:
    | { readonly kind: "managedIdentity"; readonly options: object }
    | {
        readonly kind: "clientSecret";
        readonly tenantId: string;
        readonly clientId: string;
        readonly clientSecret: string;
      }
    /** From the environment. */
    | { readonly kind: "workloadIdentity" };
  /** One token each, one after another. */
  readonly scopes: readonly string[];
};

export type CredentialAnswer =
  | { readonly kind: "token"; readonly token: string; readonly expiresAt: number }
  | { readonly kind: "error"; readonly name: string; readonly message: string };

const child = fileURLToPath(new URL("azure-identity-child.ts", import.meta.url));

/** `environment` is the whole of the child's, besides what Node itself needs. */
export async function askAzureIdentity(
  question: CredentialQuestion,
  environment: Readonly<Record<string, string>>,
): Promise<readonly CredentialAnswer[]> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [child, JSON.stringify(question)], {
    env: { ...environment, PATH: process.env["PATH"] },
    timeout: 30_000,
  });
  const answers: readonly CredentialAnswer[] = JSON.parse(stdout);
  return answers;
}
