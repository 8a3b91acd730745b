/**
 * Builds `dist/gateway.cjs`, the gateway as one file that runs with nothing beside it, its
 * self-extracting form `dist/gateway.sfx.cjs`, which is what travels to Azure, and
 * `dist/config.schema.json` for editors. Fails when the travelling form is over the limit.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { jsonSchema } from "../gateway/config/json-schema.ts";
import { bundleLimit } from "../infra/bundle-limit.ts";
import { options } from "./options.ts";
import { selfExtracting } from "./self-extracting.ts";

const root = dirname(import.meta.dirname);
const dist = join(root, "dist");
mkdirSync(dist, { recursive: true });

const result = await build(options);
const [bundle] = result.outputFiles;
if (bundle === undefined) throw new Error("esbuild wrote nothing");
const travelling = selfExtracting(bundle.contents);

write("gateway.cjs", bundle.contents);
write("gateway.sfx.cjs", travelling);
write("config.schema.json", `${JSON.stringify(jsonSchema(), null, 2)}\n`);

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
console.log(
  `dist/gateway.cjs ${kilobytes(bundle.contents.length)}, as it travels ${kilobytes(travelling.length)} of ${kilobytes(bundleLimit)}`,
);
if (travelling.length > bundleLimit) {
  rmSync(join(dist, "gateway.sfx.cjs"));
  console.error(
    "dist/gateway.sfx.cjs is larger than a Container Apps secret can be trusted to carry",
  );
  process.exitCode = 1;
}

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(join(dist, name), content);
}
