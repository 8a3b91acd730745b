/** Where a contender listens and whom it calls, as its parent tells it; both on 127.0.0.1. */
export const port = portFrom("PORT");
export const upstreamPort = portFrom("UPSTREAM_PORT");

function portFrom(name: string): number {
  const value = Number(process.env[name]);
  if (!Number.isInteger(value)) throw new TypeError(`${name} is not a port`);
  return value;
}
