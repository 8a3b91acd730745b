import * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import { isRecord, object, oneOf } from "../gateway/config/written/object.ts";
import type { FoundryGatewayArgs } from "./args.ts";
import { type InputProblem, InvalidInput } from "./invalid-input.ts";

/**
 * The shape of the args at run time: stack configuration and other languages are not checked by
 * TypeScript. Rules that need more than one value's type are beside what they are about.
 */

/** A value, or an output that is looked at once it is known. */
function input<Value extends z.ZodType>(value: Value) {
  return z.union([z.custom<pulumi.Output<unknown> | Promise<unknown>>(isLater), value], {
    error: (issue) => value.safeParse(issue.input).error?.issues[0]?.message,
  });
}

export function isLater(value: unknown): value is pulumi.Output<unknown> | Promise<unknown> {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

const text = z.string().min(1, { error: "expected text, got an empty string" });
const list = <Item extends z.ZodType>(item: Item, what: string) =>
  z.array(item).min(1, { error: `expected at least one ${what}` });
const whole = (from: number, to: number) => {
  const error = `expected a whole number from ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
};

const foundry = oneOf(
  {
    existing: object({ accountId: input(text), project: text.optional() }).optional(),
    create: object({
      account: text.optional(),
      project: text.optional(),
      deployments: list(
        object({
          name: text,
          model: text.optional(),
          version: text.optional(),
          format: text.optional(),
          sku: input(text).optional(),
          capacity: input(whole(1, 1_000_000)).optional(),
        }),
        "deployment",
      ),
    }).optional(),
  },
  ["existing", "create"],
);

const callers = object({
  keys: list(object({ name: text, value: input(text).optional() }), "key, or no keys").optional(),
  entra: object({
    tenantId: input(text).optional(),
    audiences: list(input(text), "audience"),
    requiredRoles: list(text, "role").optional(),
    requiredScopes: list(text, "scope").optional(),
  }).optional(),
  anonymous: z.boolean().optional(),
});

const environment = oneOf(
  {
    existing: input(text).optional(),
    create: object({
      workspaceId: input(text).optional(),
      logRetentionDays: whole(30, 730).optional(),
      subnetId: input(text).optional(),
      internal: z.boolean().optional(),
    }).optional(),
  },
  ["existing", "create"],
);

const ingress = object({
  external: z.boolean().optional(),
  allowedIpRanges: list(text, "range").optional(),
  customDomains: list(
    object({ name: text, certificateId: input(text).optional() }),
    "domain",
  ).optional(),
});

const image = object({
  name: input(text),
  registry: object({
    server: input(text),
    pullIdentity: input(text).optional(),
    acrId: input(text).optional(),
  }).optional(),
});

const variable = oneOf(
  { name: text, value: input(z.string()).optional(), secret: input(z.string()).optional() },
  ["value", "secret"],
);

const connection = object({
  name: text.optional(),
  callerKey: text.optional(),
  models: list(
    object({ name: text, model: text.optional(), version: text.optional() }),
    "model",
  ).optional(),
});

/** Every input, at every depth; compared with Pulumi's schema of the component by a test. */
export const argsShape = object({
  foundry,
  /** Read and checked as the gateway does, not here. */
  gateway: z.unknown().optional(),
  callers: callers.optional(),
  identity: input(text).optional(),
  role: text.optional(),
  services: list(object({ resourceId: input(text), role: text.optional() }), "service").optional(),
  environment: environment.optional(),
  ingress: ingress.optional(),
  scale: object({
    min: whole(0, 1000).optional(),
    max: whole(1, 1000).optional(),
    concurrentRequests: whole(1, 100_000).optional(),
  }).optional(),
  resources: object({ cpu: z.number().optional(), memory: text.optional() }).optional(),
  image: image.optional(),
  bundle: text.optional(),
  env: list(variable, "variable").optional(),
  connection: connection.optional(),
  resourceGroup: input(text).optional(),
  location: input(text).optional(),
  tags: z.record(z.string(), input(z.string())).optional(),
});

/** Values of unknown shape as the component's args, or `InvalidInput`. */
export function parseArgs(gateway: string, args: unknown): FoundryGatewayArgs {
  if (!isArgs(args)) throw new InvalidInput(gateway, checkShape(args));
  return args;
}

function isArgs(args: unknown): args is FoundryGatewayArgs {
  return checkShape(args).length === 0;
}

/** What is wrong with the shape of `args`; empty when they are what their type says. */
export function checkShape(args: unknown): readonly InputProblem[] {
  if (!isRecord(args)) return [{ input: "args", message: "expected an object with foundry in it" }];
  const { error } = argsShape.safeParse(args, { error: required });
  return (error?.issues ?? []).flatMap((issue) => {
    const at = path(issue.path);
    if (issue.code !== "unrecognized_keys")
      return [{ input: at || "args", message: issue.message }];
    return issue.message.split("\n").map((message) => ({ input: at || "args", message }));
  });
}

function required(issue: { readonly input?: unknown }): string | undefined {
  return issue.input === undefined ? "required" : undefined;
}

function path(steps: readonly PropertyKey[]): string {
  return steps.reduce<string>(
    (before, step) =>
      typeof step === "number"
        ? `${before}[${step}]`
        : before === ""
          ? String(step)
          : `${before}.${String(step)}`,
    "",
  );
}
