/** What Azure would answer: just enough of each resource's state for the outputs that are used. */

type State = Record<string, unknown>;

export const subscription = "/subscriptions/11111111-1111-1111-1111-111111111111";
export const clientId = "22222222-2222-2222-2222-222222222222";
export const principalId = "33333333-3333-3333-3333-333333333333";
export const tenantId = "44444444-4444-4444-4444-444444444444";
export const environmentDomain = "calm-sea-12345678.swedencentral.azurecontainerapps.io";

/** State of a resource after it was made from these inputs. */
export function created(type: string, name: string, inputs: State): { id: string; state: State } {
  const azureName = nameOf(type, name, inputs);
  const id = idOf(type, azureName, inputs);
  return { id, state: { ...inputs, name: azureName, ...computed[type]?.(inputs, azureName) } };
}

/** State of a resource that was there before. */
export function found(type: string, id: string): State {
  const name = id.split("/").at(-1) ?? "";
  return { name, ...computed[type]?.({}, name) };
}

const computed: Readonly<Record<string, (inputs: State, name: string) => State>> = {
  "azure-native:managedidentity:UserAssignedIdentity": () => ({ clientId, principalId, tenantId }),
  "azure-native:app:ManagedEnvironment": () => ({ defaultDomain: environmentDomain }),
  "azure-native:app:ContainerApp": () => ({ customDomainVerificationId: "ABCDEF" }),
  "azure-native:resources:ResourceGroup": (inputs) => ({
    location: inputs.location ?? "swedencentral",
  }),
  "azure-native:cognitiveservices:Account": (inputs, name) => ({
    kind: inputs.kind ?? (name.endsWith("-openai") ? "OpenAI" : "AIServices"),
    properties: {
      endpoint: `https://${name}.cognitiveservices.azure.com/`,
      ...(name === "regional" ? {} : { customSubDomainName: name }),
    },
  }),
  "pulumi:index:Stash": (inputs) => ({ output: inputs.input }),
};

function nameOf(type: string, name: string, inputs: State): string {
  const own: Readonly<Record<string, string>> = {
    "azure-native:cognitiveservices:Account": "accountName",
    "azure-native:cognitiveservices:Deployment": "deploymentName",
    "azure-native:cognitiveservices:Project": "projectName",
    "azure-native:cognitiveservices:ProjectConnection": "connectionName",
  };
  const key = own[type];
  const given = key === undefined ? undefined : inputs[key];
  return typeof given === "string" ? given : `${name}0badf00d`;
}

function idOf(type: string, name: string, inputs: State): string {
  const group = typeof inputs.resourceGroupName === "string" ? inputs.resourceGroupName : name;
  const [, module = "", kind = ""] = type.split(":");
  return kind === "ResourceGroup"
    ? `${subscription}/resourceGroups/${name}`
    : `${subscription}/resourceGroups/${group}/providers/${module}/${kind}/${name}`;
}
