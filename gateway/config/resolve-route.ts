import type { Path } from "./problem.ts";
import type { CheckedRoute, Resolving } from "./resolve.ts";
import type { AuthorityRewrite, Match, NamedMatch, PathMatch, UrlRewrite } from "./run.ts";

type CheckedMatch = NonNullable<CheckedRoute["matches"]>[number];
type CheckedNamed = NonNullable<CheckedMatch["headers"]>[number];
type CheckedAuthority = NonNullable<
  NonNullable<CheckedRoute["policies"]>["urlRewrite"]
>["authority"];

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

function named({ name, value }: CheckedNamed): NamedMatch {
  return value.regex === undefined
    ? { name, kind: "exact", value: value.exact ?? "" }
    : { name, kind: "regex", value: value.regex };
}

export function resolveUrlRewrite(
  route: CheckedRoute,
  path: Path,
  { problem }: Resolving,
): UrlRewrite {
  const written = route.policies?.urlRewrite;
  const { full, prefix } = written?.path ?? {};
  if (
    prefix !== undefined &&
    route.matches?.some((match) => match.path?.exact ?? match.path?.regex)
  ) {
    problem(
      [...path, "policies", "urlRewrite", "path", "prefix"],
      "a prefix can only be replaced where every match of the route is a pathPrefix",
    );
  }
  return {
    authority: resolveAuthority(written?.authority),
    path:
      full !== undefined
        ? { kind: "full", value: full }
        : prefix !== undefined
          ? { kind: "prefix", value: prefix.replace(/\/+$/, "") }
          : { kind: "none" },
  };
}

function resolveAuthority(written: CheckedAuthority): AuthorityRewrite {
  if (written === undefined || written === "auto") return { kind: "auto" };
  if (written === "none") return { kind: "none" };
  if (written.full !== undefined) return { kind: "full", value: written.full };
  if (written.host !== undefined) return { kind: "host", value: written.host };
  return { kind: "port", value: written.port ?? 0 };
}
