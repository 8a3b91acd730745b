import type { Config, Route } from "../gateway/config/run.ts";
import type { Backend, BackendAuth } from "../gateway/config/run/backend.ts";
import type { InputProblem } from "./invalid-input.ts";
import { type Need, covers, leastRole, needOf } from "./roles.ts";

/** A call with an Azure credential, to a backend or to a prompt guard, and where it stands in the configuration. */
export type AzureCall = {
  readonly host: string;
  readonly auth: BackendAuth;
  /** What the call asks for; absent where the caller says it, and for guards. */
  readonly model: string | undefined;
  /** `binds[0].listeners[0].routes[0].backends[0]` */
  readonly place: string;
  /** What the upstream path starts with. */
  readonly paths: readonly string[];
};

export function azureCalls(config: Config): readonly AzureCall[] {
  return config.binds.flatMap((bind, b) =>
    bind.listeners.flatMap((listener, l) =>
      listener.routes.flatMap((route, r) =>
        route.backends.flatMap((backend, k) =>
          callsOf(route, backend, `binds[${b}].listeners[${l}].routes[${r}].backends[${k}]`).filter(
            ({ auth }) => auth.kind === "azure",
          ),
        ),
      ),
    ),
  );
}

function callsOf(route: Route, backend: Backend, place: string): readonly AzureCall[] {
  const { target, auth, traffic } = backend;
  const model = traffic.kind === "ai" ? traffic.model : undefined;
  const { request = [], response = [] } =
    (traffic.kind === "ai" ? traffic.policy?.guards : undefined) ?? {};
  return [
    { host: target.host, auth, model, place, paths: upstreamPaths(route, backend) },
    ...[...request, ...response].map((guard) => ({
      host: guard.target.host,
      auth: guard.auth,
      model: undefined,
      place: `${place}'s promptGuard`,
      paths: ["/contentsafety"],
    })),
  ];
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
  config: Config,
  account: Account,
): readonly InputProblem[] {
  const calls = callsTo(config, account).filter(isOurs);
  return calls.flatMap(({ place, paths }) => {
    const needs = needsOf(paths, account);
    if (needs.every((need) => covers(role, need))) return [];
    const message = `${role} does not cover gateway.${place} (${paths.join(", ")}): expected ${leastRole(needs)}`;
    return [{ input: "role", message }];
  });
}

/** The deployments that routes to an account name. */
export function routedModels(config: Config, host: string): readonly string[] {
  const models = azureCalls(config)
    .filter((call) => sameAccount(call.host, host))
    .map(({ model }) => model);
  return [...new Set(models.filter((model) => model !== undefined))];
}

export function checkDeployments(config: Config, account: Account): readonly InputProblem[] {
  const { deployments } = account;
  if (deployments === undefined) return [];
  return callsTo(config, account).flatMap(({ model, place }) => {
    if (model === undefined || deployments.includes(model)) return [];
    return [
      {
        input: `gateway.${place}.ai.provider.openAI.model`,
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
