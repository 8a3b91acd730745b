import proxy from "@fastify/http-proxy";
import fastify from "fastify";
import { port, upstreamPort } from "./port.ts";

const app = fastify({ keepAliveTimeout: 600_000, requestTimeout: 0, bodyLimit: 64 * 1024 * 1024 });
await app.register(proxy, { upstream: `http://127.0.0.1:${upstreamPort}` });
await app.listen({ port, host: "127.0.0.1" });
