import * as z from "zod";
import { object } from "./object.ts";
import { outsideRoute, route, routePolicies, serverTls } from "./route.ts";
import { hostname, port, text } from "./scalar.ts";

const protocol = z.enum(["HTTP", "HTTPS"], { error: "expected HTTP or HTTPS" });
const elsewhere = [
  "bindAddress",
  "tcp",
  "oidc",
  "authorization",
  "basicAuth",
  "extAuthz",
  "extProc",
  "transformations",
];

/** What a gateway or its listener checks of every request, for all routes attached to it. */
const checks = {
  cors: routePolicies.shape.cors,
  jwtAuth: routePolicies.shape.jwtAuth,
  apiKey: routePolicies.shape.apiKey,
};

const gatewayListener = object(
  {
    name: text.optional(),
    hostname: hostname.optional(),
    protocol: protocol.optional(),
    tls: serverTls.optional(),
    ...checks,
  },
  elsewhere,
);

const gateway = object(
  {
    port,
    protocol: protocol.optional(),
    tls: serverTls.optional(),
    listeners: z
      .array(gatewayListener)
      .min(1, { error: "expected at least one listener, or no listeners key" })
      .optional(),
    ...checks,
  },
  elsewhere,
).refine(
  ({ listeners, protocol: own, tls, cors, jwtAuth, apiKey }) =>
    listeners === undefined || (own ?? tls ?? cors ?? jwtAuth ?? apiKey) === undefined,
  { error: "with listeners, all but the port belongs to each of them" },
);

/** Ports by name; routes and `llm` attach to them. */
export const gateways = z
  .record(text, gateway)
  .refine((named) => Object.keys(named).length > 0, { error: "expected at least one gateway" });

/** `name` or `name/listener`, one or several; `default` unless given. */
export const gatewayReferences = z.union(
  [text, z.array(text).min(1, { error: "expected at least one name" })],
  {
    error: "expected the name of a gateway, or a list of names",
  },
);

export const attachedRoute = object(
  { ...route.shape, gateways: gatewayReferences.optional() },
  outsideRoute,
);
