import type { Path } from "./problem.ts";
import type { Bind, Listener, Route } from "./run.ts";
import type { Backend } from "./run/backend.ts";

type Part = Bind | Listener | Route | Backend;

/** Where the parts of a configuration as run stand in the file, whichever way they are written there. */
export type Places = {
  of(part: Part): Path;
  /** Of the model that a backend is asked for, where its config names one. */
  modelOf(backend: Backend): Path;
};

/** The same, while the parts are being made. */
export type Placing = Places & {
  put<Made extends Part>(part: Made, path: Path): Made;
  putBackend(backend: Backend, path: Path, model: Path): Backend;
};

export function createPlaces(): Placing {
  const parts = new Map<Part, Path>();
  const models = new Map<Backend, Path>();
  return {
    of: (part) => found(parts.get(part)),
    modelOf: (backend) => found(models.get(backend)),
    put(part, path) {
      parts.set(part, path);
      return part;
    },
    putBackend(backend, path, model) {
      parts.set(backend, path);
      models.set(backend, model);
      return backend;
    },
  };
}

function found(path: Path | undefined): Path {
  if (path === undefined) throw new TypeError("a part of another configuration");
  return path;
}
