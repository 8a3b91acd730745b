/**
 * Remembers which backend made a response, file or thread, so that calls that name it go there. What
 * is not remembered (another replica made it, or it was long ago) is found by asking one backend
 * after the other: those that did not make it answer 400 or 404.
 */
export type Affinity = {
  backendOf(id: string): string | undefined;
  remember(id: string, backend: string): void;
};

/** Ids kept; the least recently used are forgotten. */
const capacity = 20_000;

export function createAffinity(): Affinity {
  const backends = new Map<string, string>();
  return {
    backendOf(id) {
      const backend = backends.get(id);
      if (backend !== undefined) keep(id, backend);
      return backend;
    },
    remember: keep,
  };

  function keep(id: string, backend: string): void {
    backends.delete(id);
    backends.set(id, backend);
    if (backends.size <= capacity) return;
    for (const oldest of backends.keys()) {
      backends.delete(oldest);
      return;
    }
  }
}

/** Things that live where they were made. Their ids are long and random. */
const owned = /\/(?:files|threads|assistants|vector_stores|batches|responses|uploads)\/([\w-]{8,})/;

/** The id in a path that belongs to one backend. */
export function ownedId(path: string): string | undefined {
  return owned.exec(path)?.[1];
}
