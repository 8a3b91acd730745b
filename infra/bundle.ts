import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleLimit } from "./bundle-limit.ts";
import type { InputProblem } from "./invalid-input.ts";

/**
 * The gateway as one self-extracting file. `npm run build` writes it; the published package carries
 * it. This module runs from `infra/` of the repository, and from `dist/infra/` of the package.
 */
export const builtBundle = fileURLToPath(
  new URL(
    import.meta.url.endsWith(".ts") ? "../dist/gateway.sfx.cjs" : "../gateway.sfx.cjs",
    import.meta.url,
  ),
);

/** The bundle's text, or why there is none that can be deployed. */
export function readBundle(path: string): { readonly text: string } | InputProblem {
  const text = read(path);
  if (text === undefined) {
    return {
      input: "bundle",
      message: `${path} is not there: run npm run build, or give an image`,
    };
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > bundleLimit) {
    return {
      input: "bundle",
      message: `${path} is ${bytes} bytes, a secret of a container app holds ${bundleLimit}: give an image`,
    };
  }
  return { text };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
