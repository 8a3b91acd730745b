import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "../../infra/node-flags.ts";
import type { Contender, Site } from "../contender.ts";
import { callerKey, modelSent } from "../job.ts";
import { type Child, startChild } from "../process/child.ts";
import { pinned } from "../process/cores.ts";

/** As the image starts it. */
const bundle = fileURLToPath(new URL("../../dist/gateway.cjs", import.meta.url));
/** As the component mounts it. */
const mounted = fileURLToPath(new URL("../../dist/gateway.sfx.cjs", import.meta.url));

/** Options of Node's, what it runs, and where the access log goes. */
type Way = {
  readonly nodeOptions?: string | undefined;
  readonly script?: string;
  readonly log?: "file" | "nowhere";
};

/** As a container starts it. A configuration it does not take ends it, with its own words. */
export function startGateway(site: Site, config: object, way: Way = {}): Child {
  const { core, directory, identity, port } = site;
  const { nodeOptions = nodeFlags.join(" "), script = bundle, log = "file" } = way;
  // Apart from the logs: the gateway watches the folder of its configuration.
  const folder = join(directory, `config-${port}`);
  mkdirSync(folder);
  const file = join(folder, "gateway.yaml");
  writeFileSync(file, JSON.stringify(config));
  return startChild(
    pinned(core, [process.execPath, script, "-f", file]),
    { ...identity, NODE_OPTIONS: nodeOptions },
    { stdout: log === "file" ? openSync(join(directory, `gateway-${port}.log`), "w") : "ignore" },
  );
}

export function configOf(port: number, routes: readonly object[]): object {
  return {
    config: { readinessAddr: "off" },
    frontendPolicies: { http: { maxBufferSize: 64 * 1024 * 1024 } },
    binds: [{ port, listeners: [{ routes }] }],
  };
}

/** A model behind the managed identity's token. */
export function model(upstreamPort: number): object {
  return { ai: provider("foundry", upstreamPort) };
}

/** The same so many times, each in a group that is used when those before it fail. */
export function groupedModel(upstreamPort: number, count: number): object {
  const groups = Array.from({ length: count }, (_, index) => ({
    providers: [provider(`foundry-${index}`, upstreamPort)],
  }));
  return { ai: { name: "foundry", groups } };
}

function provider(name: string, upstreamPort: number): object {
  return {
    name,
    hostOverride: `127.0.0.1:${upstreamPort}`,
    provider: { openAI: { model: modelSent } },
  };
}

export const managedIdentity = {
  backendAuth: {
    azure: {
      scope: "https://ai.azure.com/.default",
      explicitConfig: { managedIdentity: {} },
    },
  },
};

export const callersByKey = {
  apiKey: { keys: [{ key: callerKey, metadata: { name: "bench" } }] },
};

const atStart = [{ path: { pathPrefix: "/v1" } }];

/** The whole product: a route found among others, its caller known, the token set, the usage counted. */
export const gateway: Contender = {
  name: "gateway",
  title: "this gateway, all of it",
  job: "model",
  runtime: "node",
  headers: { authorization: `Bearer ${callerKey}` },
  absent: () => undefined,
  start: (site) => startGateway(site, wholeProduct(site)),
};

/** For its start alone: once it runs, it is the same. */
export const mountedGateway: Contender = {
  ...gateway,
  name: "gateway-mounted",
  title: "this gateway, mounted by the component",
  start: (site) => startGateway(site, wholeProduct(site), { script: mounted }),
};

function wholeProduct({ port, upstreamPort }: Site): object {
  return configOf(port, [
    ...otherRoutes(9),
    {
      name: "models",
      matches: atStart,
      policies: { ...managedIdentity, ...callersByKey },
      backends: [model(upstreamPort)],
    },
  ]);
}

export const transparentGateway: Contender = {
  name: "gateway-host",
  title: "this gateway, a host backend",
  job: "plain",
  runtime: "node",
  headers: {},
  absent: () => undefined,
  start: (site) =>
    startGateway(
      site,
      configOf(site.port, [
        { matches: atStart, backends: [{ host: `127.0.0.1:${site.upstreamPort}` }] },
      ]),
    ),
};

/** Routes that a request passes on its way to its own. */
export function otherRoutes(count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `other-${index}`,
    matches: [{ path: { pathPrefix: `/team-${index}/v1` } }],
    policies: { directResponse: { status: 404, body: "" } },
  }));
}
