import * as pulumi from "@pulumi/pulumi";
import * as app from "@pulumi/azure-native/app/index.js";
import * as monitor from "@pulumi/azure-native/monitor/index.js";
import * as operationalinsights from "@pulumi/azure-native/operationalinsights/index.js";
import type { CreateEnvironmentArgs, EnvironmentArgs } from "./hosting-args.ts";
import type { InputProblem } from "./invalid-input.ts";
import type { Place } from "./place.ts";
import { checkResourceId } from "./resource-id.ts";

export function checkEnvironment(
  environment: EnvironmentArgs | undefined,
): readonly InputProblem[] {
  const { existing, create } = environment ?? {};
  const problems: InputProblem[] = [];
  if (create?.workspaceId !== undefined && create.logRetentionDays !== undefined) {
    problems.push({
      input: "environment.create",
      message: "logRetentionDays is for a new workspace: it excludes workspaceId",
    });
  }
  if (create?.internal === true && create.subnetId === undefined) {
    problems.push({
      input: "environment.create.internal",
      message: "an environment without a public address needs subnetId",
    });
  }
  if (typeof existing === "string") {
    problems.push(
      ...checkResourceId("environment.existing", existing, "Microsoft.App/managedEnvironments"),
    );
  }
  if (typeof create?.workspaceId === "string") {
    const type = "Microsoft.OperationalInsights/workspaces";
    problems.push(...checkResourceId("environment.create.workspaceId", create.workspaceId, type));
  }
  return problems;
}

/** The Container Apps environment: the existing one, read, or a new one with its logs. */
export function containerEnvironment(
  gateway: string,
  environment: EnvironmentArgs | undefined,
  place: Place,
  opts: pulumi.CustomResourceOptions,
): app.ManagedEnvironment {
  return environment?.existing === undefined
    ? createEnvironment(gateway, environment?.create ?? {}, place, opts)
    : app.ManagedEnvironment.get(`${gateway}-environment`, environment.existing, opts);
}

/**
 * Logs go to Azure Monitor, and a diagnostic setting passes them on to the workspace: the other way,
 * Log Analytics' own, would put the workspace's shared key into the stack's state.
 */
function createEnvironment(
  gateway: string,
  { workspaceId, logRetentionDays, subnetId, internal }: CreateEnvironmentArgs,
  place: Place,
  opts: pulumi.CustomResourceOptions,
): app.ManagedEnvironment {
  const environment = new app.ManagedEnvironment(
    `${gateway}-environment`,
    {
      ...place,
      appLogsConfiguration: { destination: "azure-monitor" },
      workloadProfiles: [{ name: "Consumption", workloadProfileType: "Consumption" }],
      ...(subnetId === undefined
        ? {}
        : {
            vnetConfiguration: { infrastructureSubnetId: subnetId, internal: internal ?? false },
          }),
    },
    opts,
  );
  const workspace =
    workspaceId ??
    new operationalinsights.Workspace(
      `${gateway}-logs`,
      { ...place, sku: { name: "PerGB2018" }, retentionInDays: logRetentionDays ?? 30 },
      opts,
    ).id;
  void new monitor.DiagnosticSetting(
    `${gateway}-diagnostics`,
    {
      resourceUri: environment.id,
      workspaceId: workspace,
      logs: [{ categoryGroup: "allLogs", enabled: true }],
    },
    opts,
  );
  return environment;
}
