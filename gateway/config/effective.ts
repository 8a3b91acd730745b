import { stringify } from "yaml";
import type { Config } from "./run.ts";
import { redacted } from "./secret.ts";

/** The config as run, as YAML; secrets print as a placeholder. */
export function printEffective(config: Config): string {
  return stringify(JSON.parse(JSON.stringify(config, hideHeaderValues)), { lineWidth: 0 });
}

/** A header that goes upstream may carry a key of its own: its name is told, its value is not. */
function hideHeaderValues(key: string, value: unknown): unknown {
  if (key !== "requestHeaders" || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([edit, headers]) => [edit, hideEach(headers)]),
  );
}

/** `[name, value]` pairs lose their values; names to remove stay as they are. */
function hideEach(headers: unknown): unknown {
  if (!Array.isArray(headers)) return headers;
  return headers.map((header: unknown) => (Array.isArray(header) ? [header[0], redacted] : header));
}
