import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** Where they can still see their packages. */
const folder = join(import.meta.dirname, "../node_modules/.contenders");
const launchers = new Set(["compile.ts", "gateway.ts", "litellm.ts", "port.ts"]);

/**
 * Turns the contenders' scripts into JavaScript, each with what is ours in it and its packages
 * outside: Node's own reading of TypeScript would be charged to their start and their memory.
 */
export async function compileContenders(): Promise<void> {
  const scripts = readdirSync(import.meta.dirname).filter((name) => !launchers.has(name));
  await build({
    entryPoints: scripts.map((name) => join(import.meta.dirname, name)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
}

export function compiled(name: string): string {
  return join(folder, `${name}.mjs`);
}
