import { brotliCompressSync, constants } from "node:zlib";

/**
 * Wraps a CommonJS bundle into an ASCII script that unpacks itself in memory: it is carried as
 * the text of a secret and run from a read-only mount.
 */
export function selfExtracting(bundle: Uint8Array): string {
  const packed = brotliCompressSync(bundle, {
    params: { [constants.BROTLI_PARAM_SIZE_HINT]: bundle.length },
  }).toString("base64");
  return `"use strict";
const Module = require("node:module");
const { brotliDecompressSync } = require("node:zlib");
const source = brotliDecompressSync(Buffer.from("${packed}", "base64")).toString();
const unpacked = new Module(__filename, null);
unpacked.filename = __filename;
unpacked.paths = [];
unpacked._compile(source, __filename);
`;
}
