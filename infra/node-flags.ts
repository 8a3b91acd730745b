/**
 * How Node runs the gateway in its container.
 *
 * `--max-semi-space-size`, in MiB: a request allocates some 30 kB that are garbage when it ends; the
 * larger V8's young generation, the fewer of them are copied before. Beyond 16 throughput grows by a
 * few percent, and memory by three times the difference (`npm run bench`).
 *
 * `--expose-gc`: the gateway gives back what its start took (gateway/give-back.ts).
 */
export const nodeFlags = ["--max-semi-space-size=16", "--expose-gc"];
