import manifest from "../package.json" with { type: "json" };

/** The version of the package this gateway was built from. */
export const { version } = manifest;
