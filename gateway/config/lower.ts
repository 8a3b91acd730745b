import { llmPort } from "./cross-check.ts";
import { lowerLlm } from "./lower-llm.ts";
import type { Path } from "./problem.ts";
import type { PlacedBackend } from "./resolve-backend.ts";
import type {
  CheckedBind,
  CheckedListener,
  CheckedPolicies,
  CheckedRoute,
  Resolving,
} from "./resolving.ts";
import type { CheckedConfig } from "./written.ts";

/**
 * The three ways to write a configuration (`binds`; `gateways` with `routes`; `llm`) as one: binds
 * with listeners with routes, each knowing where in the file it stands.
 */
export type PlacedBind = {
  readonly port: number;
  readonly path: Path;
  readonly listeners: readonly PlacedListener[];
};

export type PlacedListener = {
  readonly listener: Omit<CheckedListener, "routes">;
  readonly path: Path;
  readonly routes: readonly PlacedRoute[];
};

export type PlacedRoute = {
  /** Without backends. */
  readonly route: CheckedRoute & { readonly policies: CheckedPolicies };
  /** Its name where it has none of its own. */
  readonly fallbackName: string;
  readonly path: Path;
  readonly backends: readonly PlacedBackend[];
};

type CheckedGateway = NonNullable<CheckedConfig["gateways"]>[string];
/** A place to attach routes to, under the names `gateway` and `gateway/listener`. */
type Slot = {
  readonly name: string;
  readonly listener: string | undefined;
  readonly written: Omit<CheckedListener, "routes">;
  readonly path: Path;
  readonly routes: PlacedRoute[];
};

/** What `llm` and routes attach to unless they say otherwise. */
const defaultGateway = "default";

export function lower(written: CheckedConfig, resolving: Resolving): readonly PlacedBind[] {
  const named = Object.entries(written.gateways ?? {});
  const slots = named.flatMap(([name, gateway]) => slotsOf(name, gateway));

  for (const [index, { gateways, ...route }] of (written.routes ?? []).entries()) {
    const path = ["routes", index];
    for (const slot of attach(gateways, path)) {
      slot.routes.push(placeRoute(route, slot.written.policies, slot.routes.length, path));
    }
  }
  const ownBind = placeLlm();
  for (const { routes, path, name } of slots) {
    if (routes.length === 0) resolving.warning(path, `no route is attached to gateway ${name}`);
  }
  return [
    ...(written.binds ?? []).map(placeBind),
    ...named.map(([name, { port }]) => ({
      port,
      path: ["gateways", name],
      listeners: slots
        .filter((slot) => slot.name === name)
        .map(({ written: listener, path, routes }) => ({ listener, path, routes })),
    })),
    ...ownBind,
  ];

  function placeLlm(): PlacedBind[] {
    const { llm } = written;
    if (llm === undefined) return [];
    const path = ["llm"];
    const ownPort = (llm.port ?? llm.tls) !== undefined;
    if (llm.gateways !== undefined || (!ownPort && hasDefault())) {
      for (const slot of attach(llm.gateways, path))
        slot.routes.push(lowerLlm(llm, slot.written.policies, resolving));
      return [];
    }
    const listener = llm.tls === undefined ? {} : ({ protocol: "HTTPS", tls: llm.tls } as const);
    const routes = [lowerLlm(llm, undefined, resolving)];
    return [{ port: llm.port ?? llmPort, path, listeners: [{ listener, path, routes }] }];
  }

  function hasDefault(): boolean {
    return named.some(([name]) => name === defaultGateway);
  }

  function attach(referred: string | readonly string[] | undefined, path: Path): readonly Slot[] {
    const references = typeof referred === "string" ? [referred] : (referred ?? [defaultGateway]);
    return references.flatMap((reference) => {
      const [name, listener] = reference.split("/", 2);
      const found = slots.filter(
        (slot) => slot.name === name && (listener === undefined || slot.listener === listener),
      );
      if (found.length === 0) {
        const known = named.map(([each]) => each).join(", ");
        resolving.problem(
          referred === undefined ? path : [...path, "gateways"],
          `there is no gateway ${reference}${known === "" ? "" : `: expected ${known}`}`,
        );
      }
      return found;
    });
  }
}

function slotsOf(name: string, gateway: CheckedGateway): Slot[] {
  const path = ["gateways", name];
  const { listeners } = gateway;
  if (listeners === undefined)
    return [{ name, listener: undefined, written: listenerOf(gateway), path, routes: [] }];
  return listeners.map((listener, index) => ({
    name,
    listener: listener.name,
    written: { ...listenerOf(listener), name: listener.name, hostname: listener.hostname },
    path: [...path, "listeners", index],
    routes: [],
  }));
}

function listenerOf({
  protocol,
  tls,
  cors,
  jwtAuth,
  apiKey,
}: Pick<CheckedGateway, "protocol" | "tls" | "cors" | "jwtAuth" | "apiKey">) {
  return {
    protocol: protocol ?? (tls === undefined ? undefined : ("HTTPS" as const)),
    tls,
    policies: { cors, jwtAuth, apiKey },
  };
}

function placeBind({ port, listeners }: CheckedBind, index: number): PlacedBind {
  const path = ["binds", index];
  return {
    port,
    path,
    listeners: listeners.map(({ routes = [], ...listener }, at) => {
      const here = [...path, "listeners", at];
      return {
        listener,
        path: here,
        routes: routes.map((route, number) =>
          placeRoute(route, listener.policies, number, [...here, "routes", number]),
        ),
      };
    }),
  };
}

function placeRoute(
  route: CheckedRoute,
  listener: CheckedPolicies | undefined,
  index: number,
  path: Path,
): PlacedRoute {
  return {
    route: { ...route, policies: { ...listener, ...route.policies } },
    fallbackName: `route${index}`,
    path,
    backends: (route.backends ?? []).map((backend, at) => {
      const here = [...path, "backends", at];
      return {
        backend,
        serves: undefined,
        path: here,
        policyPath: (name) => [...here, "policies", name],
        modelPath: undefined,
      };
    }),
  };
}
