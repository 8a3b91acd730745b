import { type Path, type Problem, formatPath } from "./problem.ts";
import type { Tree } from "./read.ts";
import { isRecord } from "./written/object.ts";

/** Readiness listens here unless `config.readinessAddr` says otherwise. */
export const readinessPort = 15021;
/** `llm` listens here unless it says otherwise, or attaches to a gateway. */
export const llmPort = 4000;

/**
 * What only shows between two places: a port bound twice, a file that is not there. It looks at the
 * plain values, so that these problems are reported together with those of the grammar.
 */
export function crossCheck(
  tree: Tree,
  readFile: (path: string) => string,
  report: (problem: Problem) => void,
): void {
  const problem = (path: Path, message: string) =>
    report({ ...tree.at(path), path: formatPath(path), message });
  checkPorts(tree.value, problem);
  checkFiles(tree.value, [], readFile, problem);
}

type Complain = (path: Path, message: string) => void;

function checkPorts(root: unknown, problem: Complain): void {
  const { config } = isRecord(root) ? root : {};
  const readiness = isRecord(config) ? config["readinessAddr"] : undefined;
  const taken = new Map<string, string>();
  const readinessAt = /(\d+)$/.exec(String(readiness ?? readinessPort))?.[1];
  if (readinessAt !== undefined)
    taken.set(readinessAt, "config.readinessAddr (off, or another port, frees it)");
  for (const [holder, path] of portsOf(root)) {
    const port = isRecord(holder) ? holder["port"] : undefined;
    if (typeof port !== "number" && typeof port !== "string") continue;
    const first = taken.get(String(port));
    if (first !== undefined) problem(path, `port ${port} is already taken by ${first}`);
    else taken.set(String(port), formatPath(path));
  }
}

/** Everything that listens, and where its port is written. */
function* portsOf(root: unknown): Generator<readonly [holder: unknown, port: Path]> {
  const { binds, gateways, llm } = isRecord(root) ? root : {};
  for (const [index, bind] of Array.isArray(binds) ? binds.entries() : [])
    yield [bind, ["binds", index, "port"]];
  for (const [name, gateway] of isRecord(gateways) ? Object.entries(gateways) : [])
    yield [gateway, ["gateways", name, "port"]];
  if (!isRecord(llm)) return;
  const byDefault = isRecord(gateways) && "default" in gateways && !("tls" in llm);
  const attached = "gateways" in llm || byDefault;
  if ("port" in llm) yield [llm, ["llm", "port"]];
  else if (!attached) yield [{ port: llmPort }, ["llm"]];
}

/** Keys whose text names a file, by the key of the map around them. */
const files: ReadonlyMap<string, readonly string[]> = new Map([
  ["tls", ["cert", "key"]],
  ["backendTLS", ["root", "cert", "key"]],
  ["key", ["file"]],
  ["apiKey", ["file"]],
  ["jwks", ["file"]],
]);

function checkFiles(
  value: unknown,
  path: Path,
  readFile: (path: string) => string,
  problem: Complain,
): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      checkFiles(item, [...path, index], readFile, problem);
    return;
  }
  if (!isRecord(value)) return;
  const naming = files.get(String(path.at(-1))) ?? [];
  for (const [key, item] of Object.entries(value)) {
    const here = [...path, key];
    if (!naming.includes(key) || typeof item !== "string")
      checkFiles(item, here, readFile, problem);
    else if (item !== "") checkFile(item, here, readFile, problem);
  }
}

function checkFile(
  file: string,
  path: Path,
  readFile: (path: string) => string,
  problem: Complain,
): void {
  try {
    readFile(file);
  } catch (error) {
    problem(path, `cannot read ${file}: ${reason(error)}`);
  }
}

/** The system's own words without the path, which the message has already. */
function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "no such file";
  if (code === "EACCES") return "permission denied";
  if (code === "EISDIR") return "it is a directory";
  return error instanceof Error ? error.message : String(error);
}
