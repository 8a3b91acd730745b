import type { Format } from "./format.ts";

/** What a caller asks for, whatever API it was written for. */
export type Operation = {
  /** Below an API's root, without a slash in front: `chat/completions`, `responses/resp_1`. */
  readonly name: string;
  /** The deployment that the path names. */
  readonly deployment: string | undefined;
  /** Without `api-version`, which belongs to one API; with its question mark, or empty. */
  readonly query: string;
  /** Whether dated versions of Azure's API have the deployment in its path. */
  readonly ofDeployment: boolean;
  /** Whether it is Anthropic's API that is asked. */
  readonly anthropic: boolean;
};

/** Where the APIs begin, in OpenAI's, Azure's and Anthropic's paths. */
const root = /^.*?\/(?:openai\/deployments\/[^/]+|openai\/v1|openai|anthropic\/v1|v1)\//;
const stored = /\/((?:responses|models|realtime)\/.+)$/;

/**
 * @param path the caller's, without query
 * @param target path and query as they would be sent unchanged
 */
export function operationOf(path: string, target: string, format: Format): Operation {
  const question = target.indexOf("?");
  const query = question === -1 ? "" : withoutVersion(target.slice(question + 1));
  const rewritten = question === -1 ? target : target.slice(0, question);
  const deployment = /\/deployments\/([^/]+)(?:\/|$)/.exec(path)?.[1];
  return {
    name: nameOf(path, rewritten, format),
    deployment: deployment === undefined ? undefined : decoded(deployment),
    query,
    ofDeployment: format.ofDeployment && (format.operation !== "" || deployment !== undefined),
    anthropic: format.prompts === "anthropic",
  };
}

function nameOf(path: string, rewritten: string, format: Format): string {
  if (format.operation === "") return rewritten.replace(root, "").replace(/^\//, "");
  if (format.body === "unread" || format.body === "none")
    return stored.exec(path)?.[1] ?? format.operation;
  return format.operation;
}

function withoutVersion(query: string): string {
  const kept = query.split("&").filter((part) => part !== "" && !part.startsWith("api-version="));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

/** What is no encoding stays as it is. */
export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
