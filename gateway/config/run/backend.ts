import type { Secret } from "../secret.ts";
import type { NamedMatch } from "./match.ts";
import type { HeaderEdits } from "./policies.ts";

export type Backend = {
  readonly name: string;
  /** The entry of the config's list that this is, or is a part of. */
  readonly pool: number;
  /** Share of the requests among the route's pools; 0 takes none. */
  readonly poolWeight: number;
  /** Place of its group within the pool: 0 is used as long as one of it can be. */
  readonly group: number;
  /** Share of the requests among its group. */
  readonly weight: number;
  readonly target: Target;
  readonly auth: BackendAuth;
  readonly traffic: Traffic;
  readonly timeouts: PhaseTimeouts;
  readonly eviction: Eviction;
};

/** Milliseconds; undefined is the gateway's default. */
export type PhaseTimeouts = {
  readonly connect: number | undefined;
  readonly firstByte: number | undefined;
  readonly idle: number | undefined;
};

/** A backend that fails so often in a row gets no requests for so long. */
export type Eviction = {
  readonly consecutiveFailures: number;
  /** Milliseconds. */
  readonly duration: number;
};

/** What the backend understands. */
export type Traffic = ModelTraffic | TransparentTraffic;

export type ModelTraffic = {
  readonly kind: "ai";
  /** Replaces the body's `model`. */
  readonly model: string | undefined;
  readonly endpoint: Endpoint;
  /** The requests this backend is for, where a route chooses by the model; every one when absent. */
  readonly serves: ModelMatch | undefined;
  /** What is done to the body; nothing when absent. */
  readonly policy: AiPolicy | undefined;
};

/** How the path sent to a model is made. */
export type Endpoint =
  /** The caller's own path and query. */
  | { readonly kind: "caller" }
  /** Always this path and query. */
  | { readonly kind: "fixed"; readonly path: string }
  /** `{prefix}/chat/completions`, and so on. */
  | { readonly kind: "prefix"; readonly prefix: string }
  /** An Azure OpenAI resource; `version` is v1, preview or a date. */
  | { readonly kind: "azureOpenAI"; readonly version: string }
  | { readonly kind: "foundry"; readonly project: string; readonly version: "v1" };

/** A model's name, or the part of it before or after a `*`; the headers must match as well. */
export type ModelMatch = {
  readonly name: string;
  /** One of these lists, where there are any. */
  readonly headers: readonly (readonly NamedMatch[])[];
};

export type AiPolicy = {
  /** Members put into a body that lacks them, and members put in whatever the body says. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly overrides: Readonly<Record<string, unknown>>;
  /** A caller's name for a model, with `*` for any part of it, and the name it stands for. */
  readonly modelAliases: Readonly<Record<string, string>>;
  readonly prompts: {
    readonly prepend: readonly PromptMessage[];
    readonly append: readonly PromptMessage[];
  };
  /** What a path that ends so means; `*` is every path. The longest first. */
  readonly routes: readonly (readonly [suffix: string, format: RouteFormat])[];
  readonly guards: Guards;
};

/** Who is asked about a prompt before a model is, and about an answer before the caller sees it. */
export type Guards = { readonly request: readonly Guard[]; readonly response: readonly Guard[] };

/** An Azure AI Content Safety resource, and what it is asked. */
export type Guard = {
  readonly target: Target;
  readonly auth: BackendAuth;
  /** Milliseconds for all that one text takes. */
  readonly timeout: number;
  /** What becomes of a text that could not be checked. */
  readonly onFailure: "refuse" | "pass";
  readonly analyzeText: AnalyzeText | undefined;
  /** Prompt Shields: attacks on the model in what users and documents say. */
  readonly shieldPrompt: { readonly apiVersion: string } | undefined;
  readonly rejection: Rejection;
};

export type AnalyzeText = {
  readonly apiVersion: string;
  /** Of 0, 2, 4 and 6, the least that is refused. */
  readonly severityThreshold: number;
  readonly blocklistNames: readonly string[];
  /** Whether a text that a blocklist has caught is analyzed no further. */
  readonly haltOnBlocklistHit: boolean;
};

/** The answer to a text that is refused; the gateway's own error where the config has no body. */
export type Rejection = {
  readonly status: number;
  readonly body: { readonly text: string; readonly contentType: string } | undefined;
  readonly headers: HeaderEdits;
};

export type PromptMessage = { readonly role: string; readonly content: string };

export type RouteFormat =
  | "completions"
  | "responses"
  | "embeddings"
  | "messages"
  | "anthropicTokenCount"
  | "models"
  | "realtime"
  | "passthrough";

export type TransparentTraffic = { readonly kind: "transparent" };

export type Target = {
  readonly host: string;
  readonly port: number;
  readonly tls: ClientTls | undefined;
};

export type ClientTls = {
  /** Certificates to trust, PEM; the system's when absent. */
  readonly roots: string | undefined;
  readonly client: { readonly cert: string; readonly key: Secret } | undefined;
  /** Name asked for (SNI) and verified; the target's host when absent. */
  readonly serverName: string | undefined;
  readonly verify: "full" | "chain" | "none";
};

export type BackendAuth =
  | { readonly kind: "none" }
  | { readonly kind: "azure"; readonly source: AzureSource; readonly scope: string }
  | {
      readonly kind: "key";
      readonly header: string;
      readonly prefix: string;
      readonly value: Secret;
    }
  | { readonly kind: "passthrough" };

export type AzureSource =
  | {
      readonly kind: "clientSecret";
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: Secret;
    }
  | { readonly kind: "managedIdentity"; readonly identity: ManagedIdentity }
  | { readonly kind: "workloadIdentity" }
  /** The first that is there: environment secret, workload identity, managed identity, developer's. */
  | { readonly kind: "implicit" }
  /** The login of az or azd. */
  | { readonly kind: "developerImplicit" };

export type ManagedIdentity =
  | { readonly kind: "systemAssigned" }
  | { readonly kind: "clientId" | "objectId" | "resourceId"; readonly id: string };
