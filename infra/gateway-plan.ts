import type { Config } from "../gateway/config/run.ts";
import type { Match } from "../gateway/config/run/match.ts";
import type { ConfigSource } from "./config-source.ts";
import { openaiPath } from "./default-config.ts";
import type { InputProblem } from "./invalid-input.ts";
import { type RenderWith, renderConfig } from "./rendered-config.ts";
import {
  type Account,
  checkDeployments,
  checkRoleCovers,
  roleFor,
  routedModels,
} from "./route-needs.ts";

/** Everything the rest of the stack takes from the gateway's configuration. */
export type GatewayPlan = {
  /** The configuration file, YAML. */
  readonly text: string;
  /** The port the app's ingress forwards to. */
  readonly port: number;
  /** The port the app's probes ask. */
  readonly readinessPort: number;
  /** The role on the account: the one asked for, or the least that does. */
  readonly role: string;
  /** What an OpenAI SDK's base URL has after the host. */
  readonly basePath: string;
  /** The deployments the routes name. */
  readonly models: readonly string[];
};

export type PlanWith = RenderWith & {
  /** The account's host, or what stands for it. */
  readonly host: string;
  /** Absent until the account is known. */
  readonly account: Account | undefined;
  readonly role: string | undefined;
};

/** Configuration -> plan, or every problem it has; pure. */
export function planGateway(
  source: ConfigSource,
  { account, host, role, ...rest }: PlanWith,
): GatewayPlan | { readonly problems: readonly InputProblem[] } {
  const rendered = renderConfig(source, rest);
  if ("problems" in rendered) return rendered;
  const { text, config } = rendered;
  const problems =
    account === undefined
      ? []
      : [
          ...checkDeployments(config, account),
          ...(role === undefined ? [] : checkRoleCovers(role, config, account)),
        ];
  if (problems.length > 0) return { problems };
  return {
    text,
    port: config.binds[0]?.port ?? 0,
    readinessPort: config.readiness?.port ?? 0,
    role: role ?? (account === undefined ? "" : roleFor(config, account)),
    basePath: basePath(config),
    models: routedModels(config, host),
  };
}

const chatPath = "/chat/completions";

/** The first AI route, as an SDK is pointed at it. */
function basePath(config: Config): string {
  const routes = config.binds.flatMap(({ listeners }) =>
    listeners.flatMap((listener) => listener.routes),
  );
  const route = routes.find(({ backends }) =>
    backends.some(({ traffic }) => traffic.kind === "ai"),
  );
  const path = route?.matches.map(prefixOf).find((prefix) => prefix !== undefined) ?? openaiPath;
  return openaiPath.startsWith(path) ? openaiPath : path;
}

function prefixOf({ path }: Match): string | undefined {
  if (path.kind === "prefix") return path.value;
  if (path.kind === "exact" && path.value.endsWith(chatPath)) {
    return path.value.slice(0, -chatPath.length);
  }
  return undefined;
}
