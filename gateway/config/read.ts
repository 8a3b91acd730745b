import {
  type Alias,
  type Document,
  type ErrorCode,
  type Node,
  type YAMLError,
  LineCounter,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from "yaml";
import { type Environment, expand } from "./environment.ts";
import { type Path, type Problem, formatPath } from "./problem.ts";

/** A YAML document as plain values, with the place of each. */
export type Tree = {
  readonly value: unknown;
  /** Position of the value at `path`, or of the nearest ancestor that exists. */
  at(path: Path): Position;
  /** Position of the key at the end of `path`. */
  atKey(path: Path): Position;
  /**
   * Whether an environment variable went into the value: `expanded` is text whatever it looks like,
   * `missing` has been reported already.
   */
  environment(path: Path): "none" | "expanded" | "missing";
};

export type Position = { readonly line: number; readonly column: number };

/** Bytes of text; a config of this size is a mistake (a secret mount holds 1 MiB). */
const maxBytes = 4 * 1024 * 1024;
/** Nesting of the deepest valid config is 14. */
const maxDepth = 64;
/** Values once aliases are resolved: what an alias bomb multiplies. */
const maxValues = 200_000;

const start: Position = { line: 1, column: 1 };
const tooDeep = `nested deeper than ${maxDepth} levels`;

/** Text -> plain values with positions; everything wrong with it as YAML goes to `report`. */
export function read(
  source: string | Uint8Array,
  environment: Environment,
  report: (problem: Problem) => void,
): Tree | undefined {
  const text = decode(source, report);
  if (text === undefined) return undefined;

  const lines = new LineCounter();
  const document = parse(text, lines, report);
  if (document === undefined) return undefined;

  const places = new Map<string, { readonly key: number; readonly value: number }>();
  const fromEnvironment = new Map<string, "expanded" | "missing">();
  const open = new Set<Node>();
  const targets = aliasTargets(document);
  let values = 0;
  let refused = false;

  const value = walk(document.contents, [], 0, 0);
  if (refused) return undefined;
  if (value === undefined || value === null) {
    report({ ...start, path: "", message: "the file is empty: expected binds" });
    return undefined;
  }
  return {
    value,
    at: (path) => nearest(path, "value"),
    atKey: (path) => nearest(path, "key"),
    environment: (path) => fromEnvironment.get(formatPath(path)) ?? "none",
  };

  function walk(node: unknown, path: Path, keyOffset: number, depth: number): unknown {
    if (refused) return undefined;
    const offset = offsetOf(node) ?? keyOffset;
    values += 1;
    if (values > maxValues || depth > maxDepth) {
      refused = true;
      complain(
        offset,
        path,
        values > maxValues ? `more than ${maxValues} values, aliases resolved` : tooDeep,
      );
      return undefined;
    }
    places.set(formatPath(path), { key: keyOffset, value: offset });
    if (isAlias(node)) return follow(targets.get(node), node.source, path, offset, depth);
    if (isMap(node)) {
      const entries = node.items.map(({ key, value: item }): [string, unknown] => {
        const name = isScalar(key) ? String(key.value) : String(key);
        return [name, walk(item, [...path, name], offsetOf(key) ?? offset, depth + 1)];
      });
      return Object.fromEntries(entries);
    }
    if (isSeq(node)) {
      return node.items.map((item, index) =>
        walk(item, [...path, index], offsetOf(item) ?? offset, depth + 1),
      );
    }
    if (!isScalar(node)) return null;
    return typeof node.value === "string" ? scalar(node.value, path, offset) : node.value;
  }

  function follow(
    target: Node | undefined,
    name: string,
    path: Path,
    offset: number,
    depth: number,
  ): unknown {
    if (target === undefined || open.has(target)) {
      complain(
        offset,
        path,
        target === undefined ? `no anchor &${name}` : `alias *${name} contains itself`,
      );
      refused = true;
      return undefined;
    }
    open.add(target);
    const result = walk(target, path, offset, depth + 1);
    open.delete(target);
    return result;
  }

  function scalar(written: string, path: Path, offset: number): string {
    let origin: "expanded" | "missing" = "expanded";
    const result = expand(written, environment, (message) => {
      origin = "missing";
      complain(offset, path, message);
    });
    if (result !== written) fromEnvironment.set(formatPath(path), origin);
    return result;
  }

  function nearest(path: Path, which: "key" | "value"): Position {
    for (let length = path.length; length >= 0; length -= 1) {
      const place = places.get(formatPath(path.slice(0, length)));
      if (place !== undefined) return position(place[length === path.length ? which : "key"]);
    }
    return start;
  }

  function position(offset: number): Position {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  function complain(offset: number, path: Path, message: string): void {
    report({ ...position(offset), path: formatPath(path), message });
  }
}

function decode(
  source: string | Uint8Array,
  report: (problem: Problem) => void,
): string | undefined {
  if (source.length > maxBytes) {
    report({ ...start, path: "", message: `the file is larger than ${maxBytes} bytes` });
    return undefined;
  }
  if (typeof source === "string") return source;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(source);
  } catch {
    report({ ...start, path: "", message: "the file is not UTF-8 text" });
    return undefined;
  }
}

function parse(text: string, lines: LineCounter, report: (problem: Problem) => void) {
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      // "silent" would also hide that there is a second document.
      logLevel: "error",
    });
    const problems = [...document.errors, ...document.warnings];
    // Out of stack: whatever else it complains of follows from that.
    const exhausted = problems.find(({ code }) => code === "RESOURCE_EXHAUSTION");
    for (const error of exhausted === undefined ? problems : [exhausted]) {
      const { line, col } = lines.linePos(error.pos[0]);
      const message = messages[error.code] ?? wording(error);
      report({ line: Math.max(line, 1), column: Math.max(col, 1), path: "", message });
    }
    return document.errors.length > 0 ? undefined : document;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    report({ ...start, path: "", message: tooDeep });
    return undefined;
  }
}

/** Where the parser's own words would not help. */
const messages: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: "duplicate key: each may be given once",
  MULTIPLE_DOCS: "a second document: one file holds one",
  RESOURCE_EXHAUSTION: tooDeep,
};

/** The parser quotes the text it stumbled over, which may be a secret. */
function wording({ code, message }: YAMLError): string {
  return code === "UNEXPECTED_TOKEN" ? message.replace(/: [\s\S]*/, "") : message;
}

/**
 * The node each alias stands for: the last of that name before it. Found in one pass, because the
 * parser's own `resolve` reads the whole document for every alias.
 */
function aliasTargets(document: Document.Parsed): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

function offsetOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)
    ? (node.range?.[0] ?? undefined)
    : undefined;
}
