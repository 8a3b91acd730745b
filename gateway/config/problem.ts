/**
 * One thing wrong with a configuration file.
 * `line` and `column` count from 1; `path` is the place in the document, `binds[0].port`.
 */
export type Problem = {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
};

/** Where in the document: property names and array indices from the root. */
export type Path = readonly (string | number)[];

/** `file:line:column: path: message`, the form editors and CI annotations understand. */
export function formatProblem(file: string, problem: Problem): string {
  const where = problem.path === "" ? "" : `${problem.path}: `;
  return `${file}:${problem.line}:${problem.column}: ${where}${problem.message}`;
}

/** `["binds", 0, "port"]` -> `binds[0].port` */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/**
 * Document order, so that a reader can mend a file from top to bottom. What is wrong with a policy of
 * a route's, and so with each of its backends, is told once.
 */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const once = new Map(problems.map((problem) => [formatProblem("", problem), problem]));
  return [...once.values()].toSorted((a, b) => a.line - b.line || a.column - b.column);
}
