import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

/** The bundled gateway, compiled, not yet run. */
export type Program = {
  /** Whether V8 has taken what was compiled of it before. */
  readonly cached: boolean;
  run(): void;
  /** What V8 has compiled of it by now, as it is kept beside the bundle. */
  compiled(): Buffer;
};

/** Bytes of the digest that what was compiled begins with. */
const digestLength = 32;

/**
 * Loads a bundle as Node would, with what V8 compiled of it before, if that is there. V8 compiles anew
 * where it was made by another Node or with other flags.
 *
 * @param file a CommonJS script
 */
export function loadProgram(file: string): Program {
  const bytes = readFileSync(file);
  const digest = hash("sha256", bytes, "buffer");
  // A function cannot begin with `#!`.
  const source = Module.wrap(bytes.toString().replace(/^#!/, "//"));
  const cachedData = readCompiled(cacheBeside(file), digest);
  const script = new Script(source, { filename: file, cachedData });
  return {
    cached: cachedData !== undefined && script.cachedDataRejected === false,
    run() {
      const module = new Module(file);
      module.filename = file;
      const require = createRequire(file);
      script.runInThisContext()(module.exports, require, module, file, dirname(file));
    },
    compiled: () => Buffer.concat([digest, script.createCachedData()]),
  };
}

/** Where what was compiled of a bundle is looked for. */
export function cacheBeside(file: string): string {
  return join(dirname(file), "gateway.cache");
}

/** V8 itself looks only at the length of the source: of another bundle, it would run the wrong code. */
function readCompiled(file: string, digest: Buffer): Buffer | undefined {
  try {
    const kept = readFileSync(file);
    const belongs = kept.subarray(0, digestLength).equals(digest);
    return belongs ? kept.subarray(digestLength) : undefined;
  } catch {
    return undefined;
  }
}
