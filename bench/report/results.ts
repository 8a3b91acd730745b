import type { Contender } from "../contender.ts";
import type { Out } from "../field.ts";
import type { Job } from "../upstream/check.ts";
import type { ClosedFigures } from "../measure/closed-loop.ts";
import type { Growth } from "../measure/growth.ts";
import type { OpenFigures } from "../measure/open-loop.ts";
import type { StreamFigures } from "../measure/streaming.ts";

/** Everything a run has found out. */
export type Results = {
  readonly machine: Machine;
  /** Seconds that the run took. */
  readonly seconds: number;
  readonly contenders: readonly Measured[];
  readonly out: readonly Out[];
  /** Milliseconds from the start of the gateway as the component mounts it to its first answer. */
  readonly mountedStart: number;
  readonly features: readonly Feature[];
  readonly growth: readonly Growth[];
};

export type Machine = {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  /** GB. */
  readonly memory: number;
  readonly system: string;
  readonly node: string;
  readonly upstream: string;
  readonly closedBy: string;
  readonly pinning: string;
  /** How much of its processors others used just before the run, of 1. */
  readonly busyBefore: number;
};

/** Others were at work on the machine, so its figures mean little. */
export function wasBusy({ busyBefore }: Machine): boolean {
  return busyBefore > 0.1;
}

/** What one contender did. Absent is what it was not asked for. */
export type Measured = {
  readonly name: string;
  readonly title: string;
  readonly job: Job;
  readonly runtime: Contender["runtime"];
  /** By the number of connections. */
  readonly closed: Readonly<Record<number, ClosedFigures>>;
  /** At half of what the slowest can do, leaving out Python. */
  readonly open: OpenFigures | undefined;
  /** At half of what this gateway, or the runtime, can do: whichever is less. */
  readonly halfLoad: OpenFigures | undefined;
  readonly streams: readonly StreamFigures[];
  /** Milliseconds. */
  readonly firstByte: number | undefined;
  readonly coldStart: number;
  /** Bytes. */
  readonly atRest: number;
  /** By the size of the request body. */
  readonly bodies: Readonly<Record<number, ClosedFigures>>;
};

export type Feature = { readonly title: string; readonly figures: ClosedFigures };
