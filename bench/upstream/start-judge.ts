import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startChild } from "../process/child.ts";
import { type Cores, pinned } from "../process/cores.ts";
import type { Job } from "./check.ts";
import type { JudgePorts } from "./judge.ts";

/** Where contenders send their requests; a port for each job. */
export type Upstream = {
  readonly kind: string;
  readonly ports: JudgePorts;
  stop(): Promise<void>;
};

const script = fileURLToPath(new URL("judge.ts", import.meta.url));

export async function startJudge(cores: Cores): Promise<Upstream> {
  const command = pinned(cores.upstream, [process.execPath, script]);
  const child = startChild(command, {}, { ipc: true });
  const [ports]: JudgePorts[] = await once(child.process, "message");
  if (ports === undefined) throw new Error(`the upstream did not start: ${child.complaints()}`);
  return { kind: "Node", ports, stop: child.stop };
}

/** Lengths of bodies in which the job was found done; empty where the length was not sent. */
export async function approvedLengths({ ports }: Upstream, job: Job): Promise<readonly string[]> {
  const answer = await fetch(`http://127.0.0.1:${ports[job]}/`);
  const lengths: readonly string[] = JSON.parse(await answer.text());
  return lengths;
}
