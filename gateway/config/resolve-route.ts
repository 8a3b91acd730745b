import type { Path } from "./problem.ts";
import type { CheckedPolicies, CheckedRoute, Resolving } from "./resolving.ts";
import type { Match, NamedMatch, PathMatch } from "./run/match.ts";
import type { AuthorityRewrite, PathRewrite, UrlRewrite } from "./run/policies.ts";

type CheckedMatch = NonNullable<CheckedRoute["matches"]>[number];
type CheckedNamed = NonNullable<CheckedMatch["headers"]>[number];
type CheckedAuthority = NonNullable<CheckedPolicies["urlRewrite"]>["authority"];

export function resolveMatch(match: CheckedMatch): Match {
  return {
    path: resolvePath(match.path),
    method: match.method?.toUpperCase(),
    headers: (match.headers ?? []).map((header) => ({
      ...named(header),
      name: header.name.toLowerCase(),
    })),
    query: (match.query ?? []).map(named),
  };
}

function resolvePath(path: CheckedMatch["path"]): PathMatch {
  if (path?.exact !== undefined) return { kind: "exact", value: path.exact };
  if (path?.regex !== undefined) return { kind: "regex", value: path.regex };
  return { kind: "prefix", value: (path?.pathPrefix ?? "/").replace(/\/+$/, "") };
}

export function named({ name, value }: CheckedNamed): NamedMatch {
  return value.regex === undefined
    ? { name, kind: "exact", value: value.exact ?? "" }
    : { name, kind: "regex", value: value.regex };
}

export function resolveUrlRewrite(
  route: CheckedRoute,
  path: Path,
  resolving: Resolving,
): UrlRewrite {
  const written = route.policies?.urlRewrite;
  return {
    authority: resolveAuthority(written?.authority),
    path: resolvePathRewrite(written?.path, route, [...path, "urlRewrite", "path"], resolving),
  };
}

export function resolvePathRewrite(
  written: { full?: string | undefined; prefix?: string | undefined } | undefined,
  route: CheckedRoute,
  path: Path,
  { problem }: Resolving,
): PathRewrite {
  const { full, prefix } = written ?? {};
  if (full !== undefined) return { kind: "full", value: full };
  if (prefix === undefined) return { kind: "none" };
  if (
    route.matches?.some((match) => (match.path?.exact ?? match.path?.regex) !== undefined) === true
  ) {
    problem(
      [...path, "prefix"],
      "a prefix can only be replaced where every match of the route is a pathPrefix",
    );
  }
  return { kind: "prefix", value: prefix.replace(/\/+$/, "") };
}

export function resolveAuthority(written: CheckedAuthority): AuthorityRewrite {
  if (written === undefined || written === "auto") return { kind: "auto" };
  if (written === "none") return { kind: "none" };
  if (written.full !== undefined) return { kind: "full", value: written.full };
  if (written.host !== undefined) return { kind: "host", value: written.host };
  return { kind: "port", value: written.port ?? 0 };
}
