// Calls in each format, and a backend of Azure's for them.
import type { Call } from "../caller.ts";
import type { WrittenBackend } from "../configuration.ts";

export type Azure = {
  resourceName: string;
  resourceType: "openAI" | "foundry";
  apiVersion?: string;
  model?: string;
};

/** In plain HTTP to the stand-in; the host alone is overridden. */
export function azure(change: Partial<Azure> = {}): WrittenBackend {
  return {
    ai: {
      name: "azure",
      hostOverride: "my-resource.openai.azure.com:80",
      provider: { azure: { resourceName: "my-resource", resourceType: "openAI", ...change } },
      policies: { backendAuth: { key: "any" } },
    },
  };
}

export function json(path: string, body: object, headers = {}): Call {
  return {
    method: "POST",
    path,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

const files: ReadonlySet<string> = new Set(["file", "image", "mask"]);

export function form(
  path: string,
  fields: readonly (readonly [name: string, value: string])[],
): Call {
  const parts = fields.map(([name, value]) =>
    files.has(name)
      ? `--b\r\ncontent-disposition: form-data; name="${name}"; filename="a"\r\ncontent-type: application/octet-stream\r\n\r\n${value}\r\n`
      : `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return {
    method: "POST",
    path,
    headers: { "content-type": 'multipart/form-data; boundary="b"' },
    body: Buffer.from(`${parts.join("")}--b--\r\n`, "latin1"),
  };
}

export const messages = [{ role: "user", content: "Hi" }];
