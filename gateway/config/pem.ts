import { X509Certificate, createPrivateKey } from "node:crypto";
import type { Path } from "./problem.ts";
import { type Secret, secret } from "./secret.ts";

/**
 * Reads the files a config names; what is not what it should be is a problem. A file that cannot be
 * read gives undefined: the cross-check has reported it.
 */
export type PemReader = {
  text(file: string): string | undefined;
  certificates(file: string, path: Path): string | undefined;
  /** A certificate (chain) and its key, found below `path` as `cert` and `key`. */
  pair(
    cert: string,
    key: string,
    path: Path,
  ): { readonly cert: string; readonly key: Secret } | undefined;
};

export function pemReader(
  readFile: (path: string) => string,
  problem: (path: Path, message: string) => void,
): PemReader {
  return { text, certificates, pair };

  function text(file: string): string | undefined {
    try {
      return readFile(file);
    } catch {
      return undefined;
    }
  }

  function certificates(file: string, path: Path): string | undefined {
    const pem = text(file);
    return pem !== undefined &&
      parsed(file, "certificate", path, () => new X509Certificate(pem)) !== undefined
      ? pem
      : undefined;
  }

  function pair(certFile: string, keyFile: string, path: Path) {
    const cert = certificates(certFile, [...path, "cert"]);
    const key = text(keyFile);
    if (key === undefined) return undefined;
    const parsedKey = parsed(keyFile, "private key", [...path, "key"], () => createPrivateKey(key));
    if (cert === undefined || parsedKey === undefined) return undefined;
    if (!new X509Certificate(cert).checkPrivateKey(parsedKey)) {
      problem([...path, "key"], `${keyFile} is not the key of the certificate in ${certFile}`);
      return undefined;
    }
    return { cert, key: secret(key) };
  }

  function parsed<Kind>(
    file: string,
    kind: string,
    path: Path,
    parse: () => Kind,
  ): Kind | undefined {
    try {
      return parse();
    } catch {
      problem(path, `${file} holds no PEM ${kind}`);
      return undefined;
    }
  }
}
