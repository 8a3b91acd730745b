import { setTimeout as pause } from "node:timers/promises";
import type { Contender, Site } from "./contender.ts";
import { path, small } from "./job.ts";
import type { Target } from "./load/connection.ts";
import type { Child } from "./process/child.ts";
import { freePort } from "./process/free-port.ts";
import { bodyOf } from "./job.ts";
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
    await pause(4);
  }
  await child.stop();
  throw new Error([last, child.complaints()].filter((each) => each !== "").join("; "));
}

type First =
  | { readonly kind: "right" }
  | { readonly kind: "nobody" }
  | { readonly kind: "wrong"; readonly status: number; readonly why: string };

async function firstAnswer({ port, headers }: Target): Promise<First> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: bodyOf(small),
    });
    const text = await answer.text();
    if (answer.status === 200) return { kind: "right" };
    return { kind: "wrong", status: answer.status, why: `${answer.status}: ${text.slice(0, 300)}` };
  } catch {
    return { kind: "nobody" };
  }
}
