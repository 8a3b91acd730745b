import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";
import { absent } from "./absent.ts";
import { lighter } from "./lighter.ts";

/**
 * An esbuild plugin that leaves out what is never run: it would travel, be parsed at each start, and
 * take memory. In its place stands what throws when it is called after all, or what does the little
 * that is asked of it. Of undici, the gateway's Pool and connector are all there is.
 *
 * @param require resolves the modules to put in their place
 */
export function slimming(require: NodeJS.Require): Plugin {
  return {
    name: "slimming",
    setup({ onResolve, onLoad }) {
      for (const { import: filter, by = /^/, names } of absent) {
        onResolve({ filter }, ({ path, importer }) =>
          by.test(importer)
            ? { path: asCommonJs(path), namespace: "absent", pluginData: names }
            : undefined,
        );
      }
      onLoad({ filter: /^/, namespace: "absent" }, ({ path, pluginData }) => {
        const names: readonly string[] = pluginData;
        const message = JSON.stringify(`${path} is not in this bundle`);
        const thrower = `function () { throw new TypeError(${message}); }`;
        const members = names.map((name) => `exports.${name} = ${thrower};`);
        return {
          contents: members.length === 0 ? `module.exports = ${thrower};` : members.join("\n"),
        };
      });
      for (const { import: filter, by = /^/, source } of lighter) {
        onResolve({ filter }, ({ path, importer, namespace }) =>
          namespace === "file" && by.test(importer)
            ? { path, namespace: "lighter", pluginData: source }
            : undefined,
        );
      }
      onLoad({ filter: /^/, namespace: "lighter" }, ({ pluginData }) => ({ contents: pluginData }));
      onResolve({ filter: /^yaml$/ }, () => ({
        path: join(dirname(require.resolve("yaml/package.json")), "browser/index.js"),
      }));
      onResolve({ filter: /^undici$/ }, () => ({ path: "undici", namespace: "part" }));
      onLoad({ filter: /^undici$/, namespace: "part" }, () => ({
        contents: `
          export { default as Pool } from ${JSON.stringify(require.resolve("undici/lib/dispatcher/pool.js"))};
          export { default as buildConnector } from ${JSON.stringify(require.resolve("undici/lib/core/connect.js"))};
        `,
        resolveDir: "/",
      }));
    },
  };
}

/** What stands in is CommonJS, which esbuild would not believe of a file with this name. */
function asCommonJs(path: string): string {
  return path.replace(/\.mjs$/, "");
}
