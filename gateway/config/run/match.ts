export type Match = {
  readonly path: PathMatch;
  readonly method: string | undefined;
  readonly headers: readonly NamedMatch[];
  readonly query: readonly NamedMatch[];
};

export type PathMatch =
  | { readonly kind: "exact"; readonly value: string }
  /** Without a trailing slash; the empty text is every path. */
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "regex"; readonly value: string };

export type NamedMatch = {
  readonly name: string;
  readonly kind: "exact" | "regex";
  readonly value: string;
};
