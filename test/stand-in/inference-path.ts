// The paths under which Azure serves its models, and what each family asks for.

export type Operation = "chat" | "embeddings";

export type Destination =
  | {
      readonly kind: "inference";
      readonly operation: Operation;
      /** From the path; undefined where the body names the model. */
      readonly deployment: string | undefined;
    }
  /** `/speech/tts?bytes=N` */
  | { readonly kind: "speech"; readonly bytes: number }
  /** `/speech/mirror`: the body comes back as it arrives. */
  | { readonly kind: "mirror" }
  /** The other AI services: the answer describes the request. */
  | { readonly kind: "describe" }
  | { readonly kind: "unknown" };

/** Dated versions are wanted by the older families; without one Azure answers 404. */
const families = [
  { prefix: /^\/models$/, dated: true },
  { prefix: /^\/openai\/deployments\/([^/]+)$/, dated: true },
  { prefix: /^\/openai\/v1$/, dated: false },
  { prefix: /^\/api\/projects\/[^/]+\/openai\/v1$/, dated: false },
  { prefix: /^\/v1$/, dated: false },
] as const;

const operations: readonly (readonly [suffix: string, operation: Operation])[] = [
  ["/chat/completions", "chat"],
  ["/embeddings", "embeddings"],
];

const described = [
  "/contentsafety/",
  "/speechtotext/",
  "/computervision/",
  "/vision/",
  "/language/",
];

export function destinationOf(target: string): Destination {
  const { pathname, searchParams } = new URL(target, "http://stand-in");

  if (pathname === "/speech/tts") {
    return { kind: "speech", bytes: Number(searchParams.get("bytes") ?? 4096) };
  }
  if (pathname === "/speech/mirror") return { kind: "mirror" };
  if (described.some((prefix) => pathname.startsWith(prefix))) return { kind: "describe" };

  for (const [suffix, operation] of operations) {
    if (!pathname.endsWith(suffix)) continue;
    const family = pathname.slice(0, -suffix.length);
    for (const { prefix, dated } of families) {
      const match = prefix.exec(family);
      if (match === null || (dated && !searchParams.has("api-version"))) continue;
      const name = match[1];
      const deployment = name === undefined ? undefined : decodeURIComponent(name);
      return { kind: "inference", operation, deployment };
    }
  }
  return { kind: "unknown" };
}
