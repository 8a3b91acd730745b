import type * as pulumi from "@pulumi/pulumi";
import * as cognitiveservices from "@pulumi/azure-native/cognitiveservices/index.js";
import type { ConnectionArgs, ConnectionModelArgs, FoundryGatewayArgs } from "./args.ts";
import { checkName } from "./azure-names.ts";
import { type CallerKey, keysOf } from "./callers.ts";
import type { CallerKeyArgs } from "./callers-args.ts";
import type { DeploymentArgs, FoundryArgs } from "./foundry-args.ts";
import type { Foundry } from "./foundry.ts";
import type { InputProblem } from "./invalid-input.ts";

/** Checks the registration of the gateway in the Foundry project against what else was given. */
export function checkConnection(
  gateway: string,
  connection: ConnectionArgs | undefined,
  foundry: FoundryArgs,
  keys: readonly CallerKeyArgs[],
): readonly InputProblem[] {
  if (connection === undefined) return [];
  const problems = [...checkName("connection", "connection.name", connection.name ?? gateway)];
  const names = keys.map(({ name }) => name);
  if (names.length === 0) {
    problems.push({
      input: "connection",
      message:
        "the Foundry project calls with a key, and callers has none: add one to callers.keys",
    });
  } else if (connection.callerKey !== undefined && !names.includes(connection.callerKey)) {
    problems.push({
      input: "connection.callerKey",
      message: `there is no caller key ${JSON.stringify(connection.callerKey)}: callers.keys has ${names.join(", ")}`,
    });
  }
  if (foundry.existing !== undefined && foundry.existing.project === undefined) {
    problems.push({
      input: "foundry.existing.project",
      message: "a connection is made in a project: expected its name",
    });
  }
  if (foundry.existing !== undefined && connection.models === undefined) {
    problems.push({
      input: "connection.models",
      message: "the deployments of an existing account are not known: expected the models to offer",
    });
  }
  return problems;
}

/**
 * Registers the gateway as a connection of category ModelGateway. Foundry's agents then call
 * `{target}/chat/completions` with the key in the `api-key` header.
 */
export function foundryConnection(
  gateway: string,
  { connection, foundry: { create }, callers }: FoundryGatewayArgs,
  to: {
    readonly foundry: Foundry;
    readonly keys: readonly CallerKey[];
    /** The URL an OpenAI SDK would be given. */
    readonly target: pulumi.Input<string>;
  },
  opts: pulumi.CustomResourceOptions,
): void {
  if (connection === undefined) return;
  const { foundry, keys, target } = to;
  const wanted = connection.callerKey ?? keysOf(callers)[0]?.name;
  const key = keys.find(({ name }) => name === wanted);
  if (key === undefined || foundry.project === undefined) {
    throw new TypeError("a connection needs a key and a project: checkArgs comes first");
  }
  const models = connection.models ?? create?.deployments.map(asModel) ?? [];
  void new cognitiveservices.ProjectConnection(
    `${gateway}-connection`,
    {
      accountName: foundry.accountName,
      projectName: foundry.project,
      resourceGroupName: foundry.resourceGroup,
      connectionName: connection.name ?? gateway,
      properties: {
        authType: "ApiKey",
        category: "ModelGateway",
        target,
        isSharedToAll: true,
        credentials: { key: key.value },
        metadata: {
          deploymentInPath: "false",
          inferenceAPIVersion: "",
          models: JSON.stringify(models.map(offered)),
        },
      },
    },
    opts,
  );
}

function offered({ name, model, version }: ConnectionModelArgs) {
  return {
    name,
    properties: { model: { name: model ?? name, version: version ?? "", format: "OpenAI" } },
  };
}

function asModel({ name, model, version }: DeploymentArgs): ConnectionModelArgs {
  return {
    name,
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version }),
  };
}
