/**
 * Remembers which backend made a response, file, thread or operation, so that calls that name it go there. What
 * is not remembered (another replica made it, or it was long ago) is found by asking one backend
 * after the other: those that did not make it say so.
 */
export type Affinity = {
  /** The `origin` of a backend. */
  ownerOf(id: string): string | undefined;
  remember(id: string, origin: string): void;
};

/** Ids kept; the least recently used are forgotten. */
const capacity = 20_000;

export function createAffinity(): Affinity {
  const origins = new Map<string, string>();
  return {
    ownerOf(id) {
      const origin = origins.get(id);
      if (origin !== undefined) keep(id, origin);
      return origin;
    },
    remember: keep,
  };

  function keep(id: string, origin: string): void {
    origins.delete(id);
    origins.set(id, origin);
    if (origins.size <= capacity) return;
    for (const oldest of origins.keys()) {
      origins.delete(oldest);
      return;
    }
  }
}

/** Things that live where they were made. Their ids are long and random. */
const collections = [
  "analyzeBatchResults",
  "analyzeResults",
  "analyzerResults",
  "assistants",
  "batches",
  "containers",
  "conversations",
  "files",
  "jobs",
  "operations",
  "responses",
  "threads",
  "transcriptions",
  "uploads",
  "vector_stores",
];
const inPath = new RegExp(`/(?:${collections.join("|")})/([\\w-]{8,200})`);

/** The id in a path that belongs to one backend. */
export function ownedByPath(path: string): string | undefined {
  return inPath.exec(path)?.[1];
}

/**
 * Members of a Responses request that name such a thing. A quotation mark inside a JSON string is
 * escaped, so that this finds members only, at whatever depth.
 */
const inBody =
  /"(?:previous_response_id|conversation|file_id|vector_store_ids)"\s*:\s*(?:\[\s*|\{\s*"id"\s*:\s*)?"([\w-]{8,200})"/;

/** Characters that such a member and its id may take, where a chunk cuts it in two. */
const longestMember = 512;

/** The id in a Responses request that belongs to one backend. */
export function ownedByBody(chunks: readonly Buffer[]): string | undefined {
  let before = "";
  for (const chunk of chunks) {
    const text = before + chunk.toString("latin1");
    const found = inBody.exec(text)?.[1];
    if (found !== undefined) return found;
    before = text.slice(-longestMember);
  }
  return undefined;
}

/**
 * Whether an answer says that its backend does not have what was asked for. Azure answers 404, and
 * to an unknown `previous_response_id` 400 with code `previous_response_not_found`; any other 400 is
 * the caller's mistake, wherever it is sent.
 */
export function isForeign(status: number, text: string): boolean {
  return status === 404 || (status === 400 && /not[_ ]found/i.test(text));
}
