// A certificate authority for one test run. P-256 throughout: RSA keys take a hundred times longer.
import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { generate } from "selfsigned";

/** Both in PEM. */
export type KeyPair = { readonly key: string; readonly cert: string };

export type Authority = {
  /** PEM; what a client has to trust. */
  readonly cert: string;
  /** Valid for localhost, 127.0.0.1 and `names`, which may hold wildcards (`*.services.ai.azure.com`). */
  serverCertificate(...names: readonly string[]): Promise<KeyPair>;
  /** For mutual TLS; the subject is `CN=<commonName>`. */
  clientCertificate(commonName: string): Promise<KeyPair>;
  /** Writes `ca.pem` into `directory` and names it as child processes of Node read it, at their start. */
  environment(directory: string): Promise<{ readonly NODE_EXTRA_CA_CERTS: string }>;
};

const signing = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

export async function makeAuthority(): Promise<Authority> {
  // Unique, so that one trust store can hold the authorities of several tests.
  const subject = [{ name: "commonName", value: `Stand-in CA ${randomUUID()}` }];
  const own = await generate(subject, {
    ...signing,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const ca = { key: own.private, cert: own.cert };

  return {
    cert: own.cert,

    async serverCertificate(...names) {
      const altNames = ["localhost", "127.0.0.1", ...names].map((name) =>
        isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name },
      );
      const made = await generate([{ name: "commonName", value: "localhost" }], {
        ...signing,
        ca,
        extensions: [
          { name: "keyUsage", digitalSignature: true, critical: true },
          { name: "extKeyUsage", serverAuth: true },
          { name: "subjectAltName", altNames },
        ],
      });
      return { key: made.private, cert: made.cert };
    },

    async clientCertificate(commonName) {
      const made = await generate([{ name: "commonName", value: commonName }], {
        ...signing,
        ca,
        extensions: [
          { name: "keyUsage", digitalSignature: true, critical: true },
          { name: "extKeyUsage", clientAuth: true },
        ],
      });
      return { key: made.private, cert: made.cert };
    },

    async environment(directory) {
      await mkdir(directory, { recursive: true });
      const file = join(directory, "ca.pem");
      await writeFile(file, own.cert);
      return { NODE_EXTRA_CA_CERTS: file };
    },
  };
}

/** Writes `<name>.pem` and `<name>.key` for a configuration that takes files. */
export async function writeKeyPair(
  directory: string,
  name: string,
  pair: KeyPair,
): Promise<{ readonly cert: string; readonly key: string }> {
  await mkdir(directory, { recursive: true });
  const files = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
  await writeFile(files.cert, pair.cert);
  await writeFile(files.key, pair.key, { mode: 0o600 });
  return files;
}
