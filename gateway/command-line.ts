import { parseArgs } from "node:util";

export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "validate" | "print-effective" | "print-agentgateway"; readonly file: string }
  | {
      readonly kind: "run";
      readonly file: string;
      /** Milliseconds that requests under way have after SIGTERM. */
      readonly drainTimeout: number;
    }
  | { readonly kind: "mistake"; readonly message: string };

/** Container Apps kills 30 seconds after SIGTERM unless told otherwise. */
const defaultDrainTimeout = 25;

export const help = `foundry-gateway: a keyless gateway to Azure AI Foundry

Usage: foundry-gateway -f FILE [options]

  -f, --file FILE            configuration, in agentgateway's YAML
      --validate-only        check the configuration and exit: 0, or 1 with every problem
      --print-effective      print the configuration as run, secrets redacted, and exit
      --print-agentgateway   print the configuration in agentgateway's own grammar, and exit
      --drain-timeout SECS   time for requests under way after SIGTERM (default ${defaultDrainTimeout})
  -h, --help                 print this text
  -V, --version              print the version
`;

/** @param args without the runtime and the script */
export function parseCommandLine(args: readonly string[]): Command {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        file: { type: "string", short: "f" },
        "validate-only": { type: "boolean" },
        "print-effective": { type: "boolean" },
        "print-agentgateway": { type: "boolean" },
        "drain-timeout": { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
      },
    }));
  } catch (error) {
    return { kind: "mistake", message: error instanceof Error ? error.message : String(error) };
  }
  if (values.help === true) return { kind: "help" };
  if (values.version === true) return { kind: "version" };
  const { file } = values;
  if (file === undefined || file === "") return { kind: "mistake", message: "-f FILE is missing" };
  if (values["validate-only"] === true) return { kind: "validate", file };
  if (values["print-effective"] === true) return { kind: "print-effective", file };
  if (values["print-agentgateway"] === true) return { kind: "print-agentgateway", file };
  const written = values["drain-timeout"] ?? String(defaultDrainTimeout);
  const seconds = /^\d+(\.\d+)?$/.test(written) ? Number(written) : Number.NaN;
  if (!Number.isFinite(seconds)) {
    return { kind: "mistake", message: "--drain-timeout wants a number of seconds" };
  }
  return { kind: "run", file, drainTimeout: seconds * 1000 };
}
