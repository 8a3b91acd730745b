import type { Plugin } from "esbuild";

/**
 * What dependencies import and the gateway never runs: it would travel, be parsed at each start, and
 * take memory. In its place stands what throws when it is called after all.
 */
type Absent = {
  /** As written where it is imported. */
  readonly import: RegExp;
  /** Who imports it; all do when undefined. */
  readonly by?: RegExp;
  /** The functions that are expected of it; none for a module that is one itself. */
  readonly functions: readonly string[];
};

const absent: readonly Absent[] = [
  // 1 MB of tables for charsets. raw-body loads them to decode bodies into text, which neither
  // express nor express-http-proxy is asked to do here.
  { import: /^iconv-lite$/, functions: ["getDecoder"] },
  // Express offers it as express.json and the like; bodies are read or streamed by the gateway itself.
  {
    import: /^body-parser$/,
    by: /[\\/]express[\\/]lib[\\/]/,
    functions: ["json", "raw", "text", "urlencoded"],
  },
  // Signs a client's assertion with its certificate; none of the credentials here has one.
  { import: /^jsonwebtoken$/, by: /[\\/]@azure[\\/]msal-node[\\/]/, functions: ["sign"] },
  // HTTP/2 to backends is switched off.
  { import: /^\.\/client-h2\.js$/, by: /[\\/]undici[\\/]lib[\\/]/, functions: [] },
  // Logs through worker threads; the gateway writes to its standard output.
  { import: /^\.\/(?:lib\/)?transport$/, by: /[\\/]pino[\\/]/, functions: [] },
];

/**
 * An esbuild plugin that leaves these out, and of undici its fetch, WebSocket, cache and mocks: the
 * gateway uses its Pool and the connector alone.
 *
 * @param require resolves the modules to put in their place
 */
export function slimming(require: NodeJS.Require): Plugin {
  return {
    name: "slimming",
    setup({ onResolve, onLoad }) {
      for (const { import: filter, by = /^/, functions } of absent) {
        onResolve({ filter }, ({ path, importer }) =>
          by.test(importer) ? { path, namespace: "absent", pluginData: functions } : undefined,
        );
      }
      onLoad({ filter: /^/, namespace: "absent" }, ({ path, pluginData }) => {
        const functions: readonly string[] = pluginData;
        const thrower = `() => { throw new TypeError(${JSON.stringify(`${path} is not in this bundle`)}); }`;
        const members = functions.map((name) => `exports.${name} = ${thrower};`);
        return {
          contents: members.length === 0 ? `module.exports = ${thrower};` : members.join("\n"),
        };
      });
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
