import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { BuildOptions } from "esbuild";
import { undefinedHere } from "./absent.ts";
import { deferring } from "./deferring.ts";
import { slimming } from "./slimming.ts";

/** How esbuild makes the gateway one file. */
export const options = {
  entryPoints: [join(dirname(import.meta.dirname), "gateway/main.ts")],
  bundle: true,
  minify: true,
  platform: "node",
  target: "node22",
  format: "cjs",
  mainFields: ["module", "main"],
  legalComments: "none",
  // A dependency's deprecated call counts as the application's own once it is bundled, and Node
  // would warn its operator of it.
  banner: { js: "process.noDeprecation = true;" },
  define: undefinedHere,
  logLevel: "warning",
  plugins: [slimming(createRequire(import.meta.url)), deferring()],
  write: false,
} satisfies BuildOptions;
