import type { Route } from "../config/run.ts";
import type { TransparentTraffic, ModelTraffic } from "../config/run/backend.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../request/exchange.ts";
import { compileAi } from "./ai/exchange.ts";
import { compileModelBackend } from "./ai/model-backend.ts";
import { type Carrying, forwardTransparently } from "./transparent.ts";
import type { Upstreams } from "./upstreams.ts";

/** Carries one request to a route's backends and the answer to the caller. Throws or rejects otherwise. */
export type Forward = (exchange: Exchange) => Promise<void> | void;

/** The config has made sure that a route's backends are all of one kind. */
export function compileForward(
  route: Route,
  upstreams: Upstreams,
  needs: Pick<Carrying, "clock" | "random" | "leadBack">,
  maxBody: number,
): Forward {
  const { backends, retry } = route;
  const common = { ...needs, retry, affinity: upstreams.affinity };
  const models = backends.flatMap((backend) => {
    const { traffic } = backend;
    return traffic.kind === "ai" ? [upstreams.run<ModelTraffic>(backend, traffic)] : [];
  });
  if (models.length > 0) {
    const compiled = models.map((model) => compileModelBackend(model, upstreams.service));
    const trying = { ...common, backends: compiled };
    return compileAi(route, trying, maxBody);
  }

  const transparent: TransparentTraffic = { kind: "transparent" };
  const services = backends.map((backend) => upstreams.run(backend, transparent));
  return (exchange) => {
    // What such a request asks for cannot be told, so a caller bound to some models may ask for nothing.
    if (exchange.caller.allowedModels !== undefined) {
      throw new Refusal({ kind: "model_not_allowed", model: "this service" });
    }
    return forwardTransparently(exchange, { ...common, backends: services }, () => exchange.target);
  };
}
