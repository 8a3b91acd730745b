import { type Forward, compileForward } from "../backend/forward.ts";
import { compileLeadBack } from "../backend/lead-back.ts";
import type { Lasting } from "../backend/lasting.ts";
import type { Trying } from "../backend/tries.ts";
import type { Upstreams } from "../backend/upstreams.ts";
import { identity } from "../config/identity.ts";
import type { Config, Route } from "../config/run.ts";
import { Refusal } from "../errors.ts";
import { compilePolicies } from "../policy/order.ts";
import type { Policy, PolicyNeeds } from "../policy/policy.ts";
import { admit } from "../request/admit.ts";
import type { Exchange } from "../request/exchange.ts";
import { compileTunnels } from "../websocket/forward.ts";
import { type Finder, type Found, compileRoutes } from "./finder.ts";
import { listenerFinder } from "./listener.ts";

/** A route with everything a request needs of it. */
export type RunningRoute = {
  readonly name: string;
  readonly policies: Policy | undefined;
  readonly forward: Forward;
  /** The same for a WebSocket. */
  readonly tunnel: Forward;
};

/** All the routes of a configuration, compiled. */
export type RouteTable = {
  /**
   * The most specific route for a request, within the most specific listener for its host.
   * Throws `no_route`.
   *
   * @param port of the bind, as configured
   */
  find(port: number, exchange: Exchange): Found<RunningRoute>;
};

type RunningListener = {
  readonly name: string;
  readonly hostname: string | undefined;
  readonly find: Finder<RunningRoute>;
};

export function compileTable(
  { binds, limits, publicOrigin }: Config,
  upstreams: Upstreams,
  policies: Lasting<Policy>,
  needs: Omit<PolicyNeeds, "publicOrigin"> & Pick<Trying, "clock" | "random">,
): RouteTable {
  const leadBack = compileLeadBack(publicOrigin, upstreams.affinity);
  const names = new Map<string, number>();
  const byPort = new Map(
    binds.map(({ port, listeners }) => {
      const running = listeners.map((listener): RunningListener => ({
        name: listener.name,
        hostname: listener.hostname,
        find: compileRoutes(listener, (route) => runRoute(route, `${port}/${listener.name}`)),
      }));
      return [port, listenerFinder(running)] as const;
    }),
  );
  return { find };

  function runRoute(route: Route, place: string): RunningRoute {
    return {
      name: route.name,
      policies: policiesOf(route, place),
      forward: compileForward(route, upstreams, { ...needs, leadBack }, limits.requestBody),
      tunnel: compileTunnels(route, upstreams, needs),
    };
  }

  /** Those that have not changed keep what they know: rate limits, and the keys of token issuers. */
  function policiesOf(route: Route, place: string): Policy | undefined {
    const called = `${place}/${route.name}`;
    const before = names.get(called) ?? 0;
    names.set(called, before + 1);
    const key = identity([called, before, route.policies, publicOrigin]);
    return policies.get(key, () => compilePolicies(route.policies, { ...needs, publicOrigin }));
  }

  function find(
    port: number,
    { request, hostname, target, record }: Exchange,
  ): Found<RunningRoute> {
    admit(request, target);
    const listener = byPort.get(port)?.(hostname);
    if (listener === undefined) throw new Refusal({ kind: "no_route" });
    record.listener = listener.name;
    const question = target.indexOf("?");
    const found = listener.find(hostname, {
      method: request.method,
      path: question === -1 ? target : target.slice(0, question),
      query: question === -1 ? "" : target.slice(question + 1),
      headers: request.headers,
    });
    if (found === undefined) throw new Refusal({ kind: "no_route" });
    record.route = found.route.name;
    return found;
  }
}
