import { setTimeout as pause } from "node:timers/promises";
import type { Contender, Site } from "./contender.ts";
import { bodyOf, path, small } from "./job.ts";
import { type Target, createConnection, postOf } from "./load/connection.ts";
import type { Child } from "./process/child.ts";
import { freePort } from "./process/free-port.ts";
import type { Upstream } from "./upstream/start-judge.ts";

/** A contender that has given its first right answer. */
export type Running = {
  readonly contender: Contender;
  readonly child: Child;
  readonly target: Target;
  /** Milliseconds from its start to its first right answer. */
  readonly coldStart: number;
};

export type Surroundings = Pick<Site, "core" | "directory" | "identity"> & {
  readonly upstream: Upstream;
};

/** Milliseconds that a start may take. */
const patience = 60_000;

/** Starts a contender and asks until it answers; rejects with what it says when it does not. */
export async function start(contender: Contender, around: Surroundings): Promise<Running> {
  const { upstream, ...rest } = around;
  const upstreamPort = upstream.ports[contender.job];
  const port = contender.runtime === "none" ? upstreamPort : await freePort();
  const started = performance.now();
  const child = await contender.start({ ...rest, port, upstreamPort });
  const headers = Object.fromEntries(
    Object.entries(contender.headers).map(([name, value]) => [
      name,
      value.replace("UPSTREAM_PORT", String(upstreamPort)),
    ]),
  );
  const target = { port, path, headers };
  let last = "no answer";
  while (performance.now() - started < patience) {
    if (child.process.exitCode !== null) {
      throw new Error(`exited with ${child.process.exitCode}: ${child.complaints()}`);
    }
    const outcome = await firstAnswer(target);
    if (outcome.kind === "right") {
      return { contender, child, target, coldStart: performance.now() - started };
    }
    // A wrong answer will not get better; that nobody listens, or is not ready, will.
    if (outcome.kind === "wrong") last = outcome.why;
    if (outcome.kind === "wrong" && outcome.status < 500) break;
    await pause(2);
  }
  await child.stop();
  throw new Error([last, child.complaints()].filter((each) => each !== "").join("; "));
}

type First =
  | { readonly kind: "right" }
  | { readonly kind: "nobody" }
  | { readonly kind: "wrong"; readonly status: number; readonly why: string };

/** By a connection of its own, which costs next to nothing where nobody listens yet. */
function firstAnswer(target: Target): Promise<First> {
  const connection = createConnection(target.port);
  let said = "";
  return new Promise<First>((resolve) => {
    connection.send(postOf(target, bodyOf(small)), {
      body(piece) {
        if (said.length < 300) said += piece.toString("utf8", 0, 300);
      },
      end(status) {
        const why = `${status}: ${said}`;
        resolve(status === 200 ? { kind: "right" } : { kind: "wrong", status, why });
      },
      fail: () => resolve({ kind: "nobody" }),
    });
  }).finally(() => connection.close());
}
