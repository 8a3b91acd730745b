// What is used of the peers, so that this folder is checked whether or not they are installed.

declare module "http-proxy-3" {
  import type { Agent, IncomingMessage, ServerResponse } from "node:http";
  type ProxyServer = {
    web(request: IncomingMessage, response: ServerResponse): void;
    on(
      event: "error",
      listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void,
    ): void;
  };
  export function createProxyServer(options: {
    readonly target: string;
    readonly agent: Agent;
  }): ProxyServer;
}

declare module "httpxy" {
  import type { Agent, IncomingMessage, ServerResponse } from "node:http";
  export function createProxyServer(options: { readonly target: string; readonly agent: Agent }): {
    web(request: IncomingMessage, response: ServerResponse): Promise<void>;
  };
}

declare module "fastify" {
  type Plugin = { readonly "fastify plugin": true };
  type App = {
    register(plugin: Plugin, options: { readonly upstream: string }): Promise<void>;
    listen(at: { readonly port: number; readonly host: string }): Promise<string>;
  };
  export default function fastify(options: {
    readonly keepAliveTimeout: number;
    readonly requestTimeout: number;
    readonly bodyLimit: number;
  }): App;
}

declare module "@fastify/http-proxy" {
  import type { Plugin } from "fastify";
  const proxy: Plugin;
  export default proxy;
}

declare module "@portkey-ai/gateway/build/start-server.js";
