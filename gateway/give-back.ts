type Collect = (options: NodeJS.GCOptions) => void;

/** Milliseconds between looks, and how many there are. */
const looks = { every: 250, most: 40 };

/**
 * Has V8 give back what starting took, at the first moment that nobody is served: an eighth of the
 * memory at rest, in a few ten milliseconds. Under load V8 collects by itself.
 *
 * @param collect V8's own (`--expose-gc`); a context made to get hold of it later would slow down
 *   all that runs after it by a quarter
 */
export function giveBackWhenQuiet(
  isQuiet: () => boolean,
  collect: Collect | undefined = globalThis.gc,
): void {
  let left = looks.most;
  const timer = setInterval(() => {
    left -= 1;
    const quiet = isQuiet();
    if (quiet || left === 0) clearInterval(timer);
    if (quiet) collect?.({ type: "major", execution: "sync", flavor: "last-resort" });
  }, looks.every);
  timer.unref();
}
