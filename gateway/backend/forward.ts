import type { Route, TransparentTraffic, ModelTraffic } from "../config/run.ts";
import type { Exchange } from "../request/exchange.ts";
import { forwardAi } from "./ai/exchange.ts";
import { forwardTransparently } from "./transparent.ts";
import type { Trying } from "./tries.ts";
import type { Upstreams } from "./upstreams.ts";

/** Carries one request to a route's backends and the answer to the caller. */
export type Forward = (exchange: Exchange) => Promise<void>;

/** The config has made sure that a route's backends are all of one kind. */
export function compileForward(
  { backends, retry }: Route,
  upstreams: Upstreams,
  needs: Pick<Trying, "clock" | "random">,
  maxBody: number,
): Forward {
  const common = { ...needs, retry, affinity: upstreams.affinity };
  const models = backends.flatMap((backend) => {
    const { traffic } = backend;
    return traffic.kind === "ai" ? [upstreams.run<ModelTraffic>(backend, traffic)] : [];
  });
  if (models.length > 0)
    return (exchange) => forwardAi(exchange, { ...common, backends: models }, maxBody);

  const transparent: TransparentTraffic = { kind: "transparent" };
  const services = backends.map((backend) => upstreams.run(backend, transparent));
  return (exchange) => forwardTransparently(exchange, { ...common, backends: services });
}
