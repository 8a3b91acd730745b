import { createHash } from "node:crypto";
import { readFileSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { Environment } from "./config/environment.ts";
import { type Loaded, loadConfig } from "./config/load.ts";

/** A configuration with the files it names. */
export type ConfigFile = {
  /** Throws the system's error when the file itself cannot be read. */
  load(): Loaded;
  /**
   * Calls `onChange` with each new content of the file, or of one it names, whatever the way it was
   * changed: written over, renamed onto, or by a secret mount's swapped link.
   */
  watch(onChange: (loaded: Loaded) => void): () => void;
};

/** Milliseconds. Notifications are a hint; some mounts send none. */
const pollInterval = 5_000;
/** Milliseconds without a notification that a writer is given to finish, and how many at the most. */
const settling = { quiet: 100, longest: 1_000 };

/** @param poll milliseconds between looks that nothing was notified for */
export function openConfigFile(
  file: string,
  env: Environment,
  poll: number = pollInterval,
): ConfigFile {
  /** What has been read, by path: a digest, or nothing where it could not be. */
  let seen = new Map<string, string>();
  return { load, watch: startWatching };

  function load(): Loaded {
    seen = new Map();
    const source = read(file);
    return loadConfig(source, { env, readFile: (path) => read(path).toString("utf8") });
  }

  function read(path: string): Buffer {
    seen.set(path, "");
    const content = readFileSync(path);
    seen.set(path, digest(content));
    return content;
  }

  function startWatching(onChange: (loaded: Loaded) => void): () => void {
    let timer: NodeJS.Timeout | undefined;
    /** Since when there has been something to look at; on the monotonic clock. */
    let noticed: number | undefined;
    let stopListening: (() => void)[] = [];
    const look = () => {
      noticed = undefined;
      if (!hasChanged()) return;
      try {
        onChange(load());
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        onChange({ problems: [{ line: 1, column: 1, path: "", message }] });
      }
      listenAgain();
    };
    const lookSoon = () => {
      clearTimeout(timer);
      const now = performance.now();
      noticed ??= now;
      // Somebody else may write into the folder all the time.
      const left = noticed + settling.longest - now;
      timer = setTimeout(look, Math.max(0, Math.min(settling.quiet, left)));
    };
    /** To the folders of what has been read last: it may name other files than before. */
    const listenAgain = () => {
      for (const stop of stopListening) stop();
      const folders = new Set([file, ...seen.keys()].map((path) => dirname(path)));
      stopListening = [...folders].map((folder) => listen(folder, lookSoon));
    };
    listenAgain();
    const looking = setInterval(look, poll);
    looking.unref();
    return () => {
      for (const stop of stopListening) stop();
      clearTimeout(timer);
      clearInterval(looking);
    };
  }

  function hasChanged(): boolean {
    return [...seen].some(([path, before]) => {
      try {
        return digest(readFileSync(path)) !== before;
      } catch {
        return before !== "";
      }
    });
  }
}

/** Notifications of a folder. Without them, or when the folder itself is replaced, the poll goes on. */
function listen(folder: string, onEvent: () => void): () => void {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    // The system has only so many watches to give.
    return () => undefined;
  }
}

function digest(content: Buffer): string {
  return createHash("sha256").update(content).digest("base64");
}
