/** What does the gateway's part of a module that takes long to load. */
type Lighter = {
  /** As written where it is imported. */
  readonly import: RegExp;
  /** Who imports it; all do when undefined. */
  readonly by?: RegExp;
  /** A CommonJS module. */
  readonly source: string;
};

export const lighter: readonly Lighter[] = [
  // Brings Node's way to compare and to colour values. For conditions that hold, none of it is needed.
  {
    import: /^(?:node:)?assert$/,
    source: `module.exports = (value, message) => {
      if (!value) require("node:assert")(value, message);
    };`,
  },
  // Prints what dependencies do, queries included, where DEBUG is set, and looks at each request for it.
  {
    import: /^debug$/,
    source: "module.exports = () => Object.assign(() => {}, { enabled: false });",
  },
  // Asked only whether this is the main thread.
  { import: /^worker_threads$/, by: /[\\/]pino[\\/]/, source: "exports.isMainThread = true;" },
];
