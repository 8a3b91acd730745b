/**
 * The deployments that a target's path names, in any spelling. Azure serves
 * `/openai/deployments/{name}/...` by that name, whatever model the body asks for.
 *
 * @param target path and query
 */
export function deploymentsIn(target: string): readonly string[] {
  const path = target.split("?", 1)[0] ?? "";
  return [...decoded(path).matchAll(/\/deployments\/+([^/]*)/gi)].map(([, name = ""]) => name);
}

/** What is no encoding stays as it is: no name in a list of allowed ones has a percent sign. */
function decoded(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}
