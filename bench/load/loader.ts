import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../process/child.ts";
import { type Cores, pinned } from "../process/cores.ts";
import type { Task } from "./child.ts";
import type { ClosedTask } from "./closed.ts";
import type { FirstByteTask } from "./first-byte.ts";
import type { IdleTask } from "./idle.ts";
import type { OpenTask } from "./open.ts";
import type { StreamsSeen, StreamsTask } from "./streams.ts";
import type { Quantiles, Tally } from "./tally.ts";
import { wrk, wrkVersion } from "./wrk.ts";

/** Makes load in a process of its own; one task at a time. */
export type Loader = {
  /** Which generator makes the closed loop. */
  readonly closedBy: string;
  closed(task: Omit<ClosedTask, "kind">): Promise<Tally>;
  open(task: Omit<OpenTask, "kind">): Promise<Tally>;
  streams(task: Omit<StreamsTask, "kind">): Promise<StreamsSeen>;
  firstByte(task: Omit<FirstByteTask, "kind">): Promise<Quantiles>;
  idle(task: Omit<IdleTask, "kind">): Promise<number>;
  stop(): Promise<void>;
};

type Answer<Result> = { readonly result: Result } | { readonly error: string };

export function startLoader(cores: Cores, directory: string): Loader {
  const script = fileURLToPath(new URL("child.ts", import.meta.url));
  const child: Child = startChild(
    pinned(cores.load, [process.execPath, "--max-semi-space-size=64", script]),
    {},
    { ipc: true },
  );
  const version = wrkVersion();
  return {
    closedBy: version ?? "own generator",
    closed: (task) =>
      version === undefined || task.atMost !== undefined
        ? perform<Tally>({ kind: "closed", ...task })
        : wrk(task, cores.load, directory),
    open: (task) => perform<Tally>({ kind: "open", ...task }),
    streams: (task) => perform<StreamsSeen>({ kind: "streams", ...task }),
    firstByte: (task) => perform<Quantiles>({ kind: "firstByte", ...task }),
    idle: (task) => perform<number>({ kind: "idle", ...task }),
    stop: () => child.stop(),
  };

  async function perform<Result>(task: Task): Promise<Result> {
    child.process.send(task);
    const [answer]: Answer<Result>[] = await once(child.process, "message");
    if (answer === undefined) throw new Error("the load has no result");
    if ("error" in answer) throw new Error(answer.error);
    return answer.result;
  }
}
