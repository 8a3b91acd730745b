import * as z from "zod";
import { aiPolicy } from "./ai-policy.ts";
import { backendAuth, backendTLS } from "./backend-connection.ts";
import { health } from "./backend-policies.ts";
import { gatewayReferences } from "./gateways.ts";
import { match } from "./match.ts";
import { object } from "./object.ts";
import { promptGuard } from "./prompt-guard.ts";
import { apiVersion, projectName, resourceName, resourceType } from "./provider.ts";
import { outsideRoutePolicies, routePolicies } from "./route.ts";
import { authority, path, port, text } from "./scalar.ts";

/** A base URL: scheme, host, and the path before the operation. */
const baseUrl = z.string().superRefine((written, context) => {
  const url = URL.parse(written);
  const plain =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (!plain) {
    context.addIssue({
      code: "custom",
      message: "expected a URL such as https://my-resource.openai.azure.com/openai/v1",
    });
  }
});

const params = object(
  {
    model: text.optional(),
    apiKey: z
      .union([text, object({ file: text })], { error: "expected the key, or a map with file" })
      .optional(),
    azureResourceName: resourceName.optional(),
    azureResourceType: resourceType.optional(),
    azureProjectName: projectName.optional(),
    azureApiVersion: apiVersion.optional(),
    baseUrl: baseUrl.optional(),
    hostOverride: authority.optional(),
    pathPrefix: path.optional(),
  },
  [
    "pathOverride",
    "tokenize",
    "awsRegion",
    "bedrockEndpointPreference",
    "vertexRegion",
    "vertexProject",
  ],
);

const modelName = z.string().regex(/^(\*?[^*]+|[^*]+\*|\*)$/, {
  error: "expected a model's name, or one with * at its start or its end",
});

const model = object(
  {
    name: modelName,
    provider: z.enum(["azure", "openAI", "openai"], { error: "expected azure or openAI" }),
    params: params.optional(),
    auth: backendAuth.optional(),
    tls: backendTLS.optional(),
    health: health.optional(),
    defaults: aiPolicy.shape.defaults,
    overrides: aiPolicy.shape.overrides,
    guardrails: promptGuard.optional(),
    matches: z.array(object({ headers: match.shape.headers })).optional(),
  },
  [
    "id",
    "visibility",
    "passthrough",
    "authorization",
    "transformation",
    "finalTransformation",
    "requestHeaders",
    "responseHeaders",
    "backendTunnel",
    "promptCaching",
    "backendTLS",
  ],
).superRefine(({ provider, params: given, auth }, context) => {
  const complain = (at: string[], message: string) =>
    context.addIssue({ code: "custom", path: at, message });
  const elsewhere = given?.baseUrl ?? given?.hostOverride;
  if (given?.apiKey !== undefined && auth !== undefined)
    complain(["auth"], "params.apiKey and auth exclude each other");
  if (given?.baseUrl !== undefined && (given.hostOverride ?? given.pathPrefix) !== undefined)
    complain(["params", "baseUrl"], "baseUrl holds what hostOverride and pathPrefix say");
  if (provider !== "azure") {
    if (elsewhere === undefined)
      complain(
        ["params"],
        "expected baseUrl, such as https://my-resource.openai.azure.com/openai/v1",
      );
    return;
  }
  if (given?.azureResourceName === undefined) complain(["params"], "expected azureResourceName");
  if (given?.azureResourceType === undefined)
    complain(["params"], "expected azureResourceType: openAI, foundry or aiServices");
});

const { cors, jwtAuth, apiKey, localRateLimit, timeout, retry, streamKeepAlive } =
  routePolicies.shape;
const { requestHeaderModifier, responseHeaderModifier } = routePolicies.shape;

/** What of a route's policies makes sense before a model is chosen. */
const policies = object(
  {
    cors,
    jwtAuth,
    apiKey,
    localRateLimit,
    timeout,
    retry,
    streamKeepAlive,
    requestHeaderModifier,
    responseHeaderModifier,
    guardrails: promptGuard.optional(),
  },
  outsideRoutePolicies,
);

/** Models by name, without a word of routes: agentgateway's short form. */
export const llm = object(
  {
    port: port.optional(),
    tls: object({ cert: text, key: text }).optional(),
    gateways: gatewayReferences.optional(),
    pathPrefix: path.optional(),
    models: z.array(model).min(1, { error: "expected at least one model" }),
    policies: policies.optional(),
  },
  ["discovery", "providers", "virtualModels", "guardrails"],
).refine(({ port: own, gateways: named }) => own === undefined || named === undefined, {
  error: "port and gateways exclude each other",
});
