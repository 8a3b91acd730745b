import type { Config, Route } from "../gateway/config/run.ts";
import type { Places } from "../gateway/config/places.ts";
import type { Backend, BackendAuth } from "../gateway/config/run/backend.ts";
import { type PlacedConfig, inputAt, routesOf } from "./config-routes.ts";
import type { InputProblem } from "./invalid-input.ts";
import { type Need, covers, leastRole, needOf } from "./roles.ts";

/** A call with an Azure credential, to a backend or to one of its prompt guards. */
export type AzureCall = {
  readonly host: string;
  readonly auth: BackendAuth;
  readonly backend: Backend;
  /** Who is called. */
  readonly to: "backend" | "promptGuard";
  /** What the upstream path starts with. */
  readonly paths: readonly string[];
};

export function azureCalls(config: Config): readonly AzureCall[] {
  return routesOf(config).flatMap((route) =>
    route.backends.flatMap((backend) =>
      callsOf(route, backend).filter(({ auth }) => auth.kind === "azure"),
    ),
  );
}

function callsOf(route: Route, backend: Backend): readonly AzureCall[] {
  const { target, auth, traffic } = backend;
  const { request = [], response = [] } =
    (traffic.kind === "ai" ? traffic.policy?.guards : undefined) ?? {};
  const paths = upstreamPaths(route, backend);
  return [
    { host: target.host, auth, backend, to: "backend", paths },
    ...[...request, ...response].map((guard): AzureCall => {
      const { host } = guard.target;
      return { host, auth: guard.auth, backend, to: "promptGuard", paths: ["/contentsafety"] };
    }),
  ];
}

/** The input in which a call was written. */
export function inputOf({ backend, to }: AzureCall, places: Places): string {
  const input = inputAt(places.of(backend));
  return to === "backend" ? input : `${input}'s promptGuard`;
}

function upstreamPaths(route: Route, backend: Backend): readonly string[] {
  const endpoint = backend.traffic.kind === "ai" ? backend.traffic.endpoint : undefined;
  switch (endpoint?.kind) {
    case "fixed":
      return [endpoint.path];
    case "prefix":
      return [endpoint.prefix];
    case "azureOpenAI":
      return ["/openai"];
    case "foundry":
      return [`/api/projects/${endpoint.project}`];
  }
  const { path } = route.policies.urlRewrite;
  if (path.kind !== "none") return [path.value];
  return route.matches.map((match) => (match.path.kind === "regex" ? "/" : match.path.value));
}

const accountDomain =
  /^([a-z0-9-]+)\.(?:services\.ai|openai|cognitiveservices)\.azure\.(?:com|us|cn)$/;

/** Whether two hosts are faces of one account: every account answers on several domains. */
export function sameAccount(one: string, other: string): boolean {
  const [left, right] = [one, other].map((host) => accountDomain.exec(host.toLowerCase())?.[1]);
  return left !== undefined && left === right;
}

/** What is known of the account the routes go to. */
export type Account = {
  readonly host: string;
  /** The deployments there are; absent when the component did not make them. */
  readonly deployments: readonly string[] | undefined;
  /** Whether every model of the account is OpenAI's: then the least of the roles may do. */
  readonly openAiOnly: boolean;
};

/** The role the routes need on the account. */
export function roleFor(config: Config, account: Account): string {
  const calls = callsTo(config, account).filter(isOurs);
  return leastRole(calls.flatMap(({ paths }) => needsOf(paths, account)));
}

export function checkRoleCovers(
  role: string,
  { config, places }: PlacedConfig,
  account: Account,
): readonly InputProblem[] {
  const calls = callsTo(config, account).filter(isOurs);
  return calls.flatMap((call) => {
    const { paths } = call;
    const needs = needsOf(paths, account);
    if (needs.every((need) => covers(role, need))) return [];
    const message = `${role} does not cover ${inputOf(call, places)} (${paths.join(", ")}): expected ${leastRole(needs)}`;
    return [{ input: "role", message }];
  });
}

/** The deployments that routes to an account name. */
export function routedModels(config: Config, host: string): readonly string[] {
  const models = azureCalls(config)
    .filter((call) => sameAccount(call.host, host))
    .map(modelSent);
  return [...new Set(models.filter((model) => model !== undefined))];
}

/** The one model a backend is asked for; undefined where callers may ask for several. */
function modelSent({ backend: { traffic }, to }: AzureCall): string | undefined {
  if (to === "promptGuard" || traffic.kind !== "ai") return undefined;
  const { model, serves } = traffic;
  return model ?? (serves?.name.includes("*") === false ? serves.name : undefined);
}

export function checkDeployments(
  { config, places }: PlacedConfig,
  account: Account,
): readonly InputProblem[] {
  const { deployments } = account;
  if (deployments === undefined) return [];
  return callsTo(config, account).flatMap((call) => {
    const model = modelSent(call);
    if (model === undefined || deployments.includes(model)) return [];
    return [
      {
        input: inputAt(places.modelOf(call.backend)),
        message: `there is no deployment ${JSON.stringify(model)}: foundry.create.deployments has ${deployments.join(", ")}`,
      },
    ];
  });
}

function callsTo(config: Config, { host }: Account): readonly AzureCall[] {
  return azureCalls(config).filter((call) => sameAccount(call.host, host));
}

/** Whether the call carries the identity the component grants roles to. */
function isOurs({ auth }: AzureCall): boolean {
  return auth.kind === "azure" && ["managedIdentity", "implicit"].includes(auth.source.kind);
}

function needsOf(paths: readonly string[], { openAiOnly }: Account): readonly Need[] {
  return paths.map((path) => needOf(path, openAiOnly));
}
