/**
 * How Node runs the gateway in its container. A request allocates some 40 kB that are garbage when it
 * ends: the larger V8's young generation, the fewer of them are copied before. Beyond 32 MiB the
 * throughput stays as it is (`npm run bench`), and memory grows.
 */
export const nodeFlags = ["--max-semi-space-size=32"];
