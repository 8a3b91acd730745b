import type { Loader } from "../load/loader.ts";
import type { Running } from "../start.ts";
import { closedOnce } from "./closed-loop.ts";
import { withConnections } from "./memory.ts";
import { type Line, fit } from "./statistics.ts";
import { streams } from "./streaming.ts";

/** How a cost grows with the number of something. */
export type Growth = {
  readonly of: string;
  readonly unit: string;
  readonly cost: string;
  readonly points: readonly (readonly [units: number, cost: number])[];
  readonly line: Line;
};

export function growth(of: string, unit: string, cost: string, points: Growth["points"]): Growth {
  return { of, unit, cost, points, line: fit(points) };
}

/** Memory for open connections, then for streams; each from the least to the most. */
export async function memoryGrowth(running: Running, loader: Loader): Promise<readonly Growth[]> {
  const { title } = running.contender;
  const connections: (readonly [number, number])[] = [];
  for (const count of [0, 250, 500, 1000]) {
    connections.push([count, (await withConnections(running, loader, count)) / 1e6]);
  }
  const open: (readonly [number, number])[] = [];
  for (const count of [50, 200, 500]) {
    const { memory } = await streams(running, loader, { count, events: 15, every: 100 });
    open.push([count, memory / 1e6]);
  }
  return [
    growth(title, "open connection", "MB of memory", connections),
    growth(title, "open stream", "MB of memory", open),
  ];
}

const sizes = [1024, 100 * 1024, 1024 * 1024, 4 * 1024 * 1024] as const;

/** Processor time for the size of the request body. */
export async function bodyGrowth(running: Running, loader: Loader): Promise<Growth> {
  const points: (readonly [number, number])[] = [];
  for (const bytes of sizes) {
    const { cpu } = await closedOnce(running, loader, {
      connections: 4,
      seconds: 1,
      ask: { bytes },
    });
    points.push([bytes / 1e6, cpu / 1000]);
  }
  return growth(running.contender.title, "MB of body", "ms of processor time", points);
}
