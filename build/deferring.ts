import { dirname } from "node:path";
import type { Plugin } from "esbuild";

/** What the first answer does not need, or only with some configurations. */
type Deferred = {
  /** As written where it is imported. */
  readonly import: RegExp;
  /** Who imports it; all do when undefined. */
  readonly by?: RegExp;
  /** All that is used of it; `default` for a module that is one function. */
  readonly names: readonly string[];
};

const deferred: readonly Deferred[] = [
  // The tables of Unicode. For patterns in matches.
  { import: /^re2js$/, names: ["RE2JS"] },
  // For callers with a JWT.
  { import: /^jose$/, names: ["createLocalJWKSet", "errors", "jwtVerify"] },
  // For backends of the transparent kind.
  { import: /^express-http-proxy$/, names: ["default"] },
  // For compressed bodies.
  { import: /^node:zlib$/, names: ["createBrotliDecompress", "createGunzip", "createInflate"] },
  // Brings Node's line editor with it. For workload identity's token file.
  { import: /^node:fs\/promises$/, by: /[\\/]@azure[\\/]identity[\\/]/, names: ["readFile"] },
];

/**
 * An esbuild plugin that has these run when something of them is first used, and not at the start. In
 * their place stands a module with a getter for each name.
 */
export function deferring(): Plugin {
  return {
    name: "deferring",
    setup({ onResolve, onLoad }) {
      for (const { import: filter, by = /^/, names } of deferred) {
        onResolve({ filter }, ({ path, importer, namespace }) =>
          namespace === "file" && by.test(importer)
            ? { path, namespace: "deferred", pluginData: { names, folder: dirname(importer) } }
            : undefined,
        );
      }
      onResolve({ filter: /^/, namespace: "deferred" }, ({ path, pluginData }) => ({
        path,
        namespace: "later",
        pluginData,
      }));
      onLoad({ filter: /^/, namespace: "deferred" }, ({ path, pluginData }) => {
        const names: readonly string[] = pluginData.names;
        const later = `require(${JSON.stringify(path)})`;
        const getter = (name: string) => `get ${name}() { return ${later}.${name}; }`;
        return {
          contents: names.includes("default")
            ? `module.exports = (...given) => ${later}.default(...given);`
            : `module.exports = { ${names.map(getter).join(", ")} };`,
          pluginData,
        };
      });
      onLoad({ filter: /^/, namespace: "later" }, ({ path, pluginData: { names, folder } }) => ({
        contents: `export { ${names.join(", ")} } from ${JSON.stringify(path)};`,
        resolveDir: folder,
      }));
    },
  };
}
