// What the configurations of these tests refer to: environment variables and PEM files.
import type { Surroundings } from "../../../gateway/config/load.ts";
import { makeAuthority } from "../../stand-in/certificate.ts";

export const env: Surroundings["env"] = {
  PORT: "3000",
  READINESS_PORT: "16000",
  MAX_BYTES: "1048576",
  HOST_NAME: "api.example.com",
  TEAM: "red",
  WEIGHT: "",
  INSECURE: "true",
  EMPTY: "",
  NUMERIC: "4",
  TOO_HIGH: "65536",
  // Not a reference any more: values are not expanded again.
  NESTED: "$PORT and ${UNSET_HOST} and $$",
  AZURE_CLIENT_SECRET: "secret-of-the-environment",
};

/** The file system as the configurations see it. */
export async function makeFiles(): Promise<Surroundings["readFile"]> {
  const authority = await makeAuthority();
  const server = await authority.serverCertificate("api.example.com");
  const client = await authority.clientCertificate("gateway");
  const files = new Map([
    ["ca.pem", authority.cert],
    ["server.pem", server.cert],
    ["server.key", server.key],
    ["client.pem", client.cert],
    ["client.key", client.key],
    ["not-pem.pem", "not a certificate"],
    ["foundry.key", "secret-of-a-file\n"],
  ]);
  const failures = new Map([
    ["locked.pem", "EACCES"],
    ["directory", "EISDIR"],
  ]);
  return (path) => {
    const text = files.get(path);
    if (text === undefined) {
      throw Object.assign(new Error("cannot read"), { code: failures.get(path) ?? "ENOENT" });
    }
    return text;
  };
}
