// The body of a chat completion or embeddings request, as far as the Foundry looks at it.
import { type Answer, deploymentNotFound, invalidRequest } from "./azure-answer.ts";
import type { Operation } from "./inference-path.ts";

export type InferenceRequest = {
  readonly model: string;
  /** Words, for want of a tokenizer. */
  readonly promptTokens: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** One entry per text to embed; empty for chat. */
  readonly inputs: readonly unknown[];
  readonly encoding: "float" | "base64";
};

export type Reading =
  | { readonly kind: "good"; readonly request: InferenceRequest }
  | { readonly kind: "bad"; readonly answer: Answer };

const bad = (answer: Answer): Reading => ({ kind: "bad", answer });

/** `deployments` undefined: every name exists. */
export function readInference(
  body: Buffer,
  operation: Operation,
  deployment: string | undefined,
  deployments: readonly string[] | undefined,
): Reading {
  const fields = parseObject(body);
  if (fields === undefined) {
    return bad(
      invalidRequest(
        "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.",
      ),
    );
  }

  const model = deployment ?? fields["model"];
  if (typeof model !== "string" || model === "") {
    return bad(invalidRequest("you must provide a model parameter", "model"));
  }
  if (deployments !== undefined && !deployments.includes(model)) return bad(deploymentNotFound());

  const { messages, input } = fields;
  if (operation === "chat" && (!Array.isArray(messages) || messages.length === 0)) {
    return bad(invalidRequest("'messages' is a required property", "messages"));
  }
  if (operation === "embeddings" && input === undefined) {
    return bad(invalidRequest("'input' is a required property", "input"));
  }

  const prompt = JSON.stringify(operation === "chat" ? messages : input);
  const streamOptions = fields["stream_options"];
  return {
    kind: "good",
    request: {
      model,
      promptTokens: prompt.split(/\s+/).length,
      stream: fields["stream"] === true,
      includeUsage: isObject(streamOptions) && streamOptions["include_usage"] === true,
      inputs: operation === "chat" ? [] : Array.isArray(input) ? input : [input],
      encoding: fields["encoding_format"] === "base64" ? "base64" : "float",
    },
  };
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
