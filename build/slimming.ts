import type { Plugin } from "esbuild";

/**
 * Leaves out of the bundle what the gateway never runs but its dependencies import.
 *
 * - iconv-lite: 1 MB of tables for charsets. raw-body loads it to decode bodies into text, which
 *   neither express nor express-http-proxy is asked to do here.
 * - undici's fetch, WebSocket, cache and mocks: the gateway uses its Pool and the connector alone.
 *
 * @param require resolves the modules to put in their place
 */
export function slimming(require: NodeJS.Require): Plugin {
  return {
    name: "slimming",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^iconv-lite$/ }, () => ({ path: "iconv-lite", namespace: "absent" }));
      onLoad({ filter: /^iconv-lite$/, namespace: "absent" }, () => ({
        contents: `exports.getDecoder = () => { throw new TypeError("iconv-lite is not in this bundle") };`,
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
