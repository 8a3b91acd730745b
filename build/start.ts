/**
 * Builds `dist/start.cjs`, which starts `dist/gateway.cjs`, and `dist/gateway.cache`, what V8 has
 * compiled of that by the time it has answered: for the image, made by the Node that runs there.
 */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { cacheBeside } from "../gateway/program.ts";
import { warmUp } from "./warm-up.ts";

const root = dirname(import.meta.dirname);
const bundle = join(root, "dist/gateway.cjs");

await build({
  entryPoints: [join(root, "gateway/start.ts")],
  outfile: join(root, "dist/start.cjs"),
  bundle: true,
  minify: true,
  platform: "node",
  target: "node22",
  format: "cjs",
  define: { "import.meta.dirname": "__dirname" },
  logLevel: "warning",
});
await warmUp(bundle);

const kilobytes = (statSync(cacheBeside(bundle)).size / 1000).toFixed(0);
console.log(`dist/gateway.cache ${kilobytes} kB, for Node ${process.version}`);
