import { existsSync } from "node:fs";
import type { Contender } from "./contender.ts";
import { compiled } from "./contenders/compile.ts";
import { gateway, transparentGateway } from "./contenders/gateway.ts";
import { litellm } from "./contenders/litellm.ts";
import { nodeFlags } from "../infra/node-flags.ts";
import { modelSent, upstreamToken } from "./job.ts";
import { startChild } from "./process/child.ts";
import { pinned } from "./process/cores.ts";
import { nginxVersion, startNginxProxy } from "./upstream/nginx.ts";

/** Everybody on Node runs as the component runs the gateway, so that it is no difference between them. */
export const nodeOptions = nodeFlags.join(" ");

/** Whoever is measured, from nothing at all to the most there is. */
export const contenders: readonly Contender[] = [
  {
    name: "direct",
    title: "direct",
    job: "plain",
    runtime: "none",
    headers: {},
    absent: () => undefined,
    start: () => startChild([process.execPath, "-e", "setInterval(() => {}, 1e6)"], {}),
  },
  {
    name: "nginx",
    title: "nginx",
    job: "plain",
    runtime: "native",
    headers: {},
    absent: () => (nginxVersion() === undefined ? "nginx is not installed" : undefined),
    start: ({ directory, core, port, upstreamPort }) =>
      startNginxProxy(directory, core, port, upstreamPort),
  },
  script("node-undici", "node:http + undici, the job", "model", "undici"),
  script("node-http", "node:http + node:http", "plain", undefined),
  script("http-proxy-3", "http-proxy-3", "plain", "http-proxy-3"),
  script("httpxy", "httpxy", "plain", "httpxy"),
  script("fastify-http-proxy", "@fastify/http-proxy", "plain", "@fastify/http-proxy"),
  script("express-http-proxy", "express-http-proxy", "plain", "express-http-proxy"),
  {
    ...script("portkey", "Portkey gateway", "model", "@portkey-ai/gateway"),
    headers: {
      "x-portkey-config": JSON.stringify({
        provider: "openai",
        api_key: upstreamToken,
        custom_host: "http://127.0.0.1:UPSTREAM_PORT/v1",
        override_params: { model: modelSent },
      }),
    },
  },
  litellm,
  gateway,
  transparentGateway,
];

export const peersInstalled = existsSync(
  new URL("node_modules/.package-lock.json", import.meta.url),
);

function script(
  name: string,
  title: string,
  job: Contender["job"],
  peer: string | undefined,
): Contender {
  const installed = () => existsSync(new URL(`node_modules/${peer}`, import.meta.url));
  return {
    name,
    title,
    job,
    runtime: "node",
    headers: {},
    absent: () =>
      peer === undefined || peer === "undici" || installed()
        ? undefined
        : `${peer} is not installed in bench/node_modules`,
    start: ({ core, port, upstreamPort }) =>
      startChild(pinned(core, [process.execPath, compiled(name)]), {
        NODE_ENV: "production",
        NODE_OPTIONS: nodeOptions,
        PORT: String(port),
        UPSTREAM_PORT: String(upstreamPort),
      }),
  };
}
