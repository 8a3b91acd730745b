import type { Contender } from "../contender.ts";
import { mountedGateway } from "../contenders/gateway.ts";
import { enter } from "../field.ts";
import type { Loader } from "../load/loader.ts";
import { type ClosedFigures, closedRounds, warmUp } from "../measure/closed-loop.ts";
import { atRest } from "../measure/memory.ts";
import { type OpenFigures, openRounds } from "../measure/open-loop.ts";
import { median } from "../measure/statistics.ts";
import { comparedIn, oneRoundAnd, roundsOf } from "../measure/visits.ts";
import type { Plan } from "../plan.ts";
import type { Running, Surroundings } from "../start.ts";
import { measureStarts } from "./starts.ts";

type Measured = {
  readonly coldStart: number;
  readonly atRest: number;
  readonly closed: Readonly<Record<number, ClosedFigures>>;
  readonly open: OpenFigures | undefined;
  readonly halfLoad: OpenFigures | undefined;
};

/** Small requests against the fastest upstream there is, in rounds that go through everybody. */
export async function measureThroughput(
  contenders: readonly Contender[],
  around: Surroundings,
  loader: Loader,
  plan: Plan,
  step: (what: string) => void,
) {
  const starts = await measureStarts(contenders, around, plan.moreStarts);
  const field = await enter(contenders, around);
  const { running, out } = field;
  for (const { title, why } of out) step(`out: ${title}: ${why.split("\n")[0]}`);
  const rest = await atRest(running);

  await warmUp(running, loader, plan.warmUp);
  const { levels, lastLevels, runIn, window: seconds } = plan;
  const closed = await closedRounds(roundsOf(running, plan.rounds), loader, {
    levels,
    lastLevels,
    runIn,
    seconds,
  });
  step(`closed loop, ${[...levels, ...lastLevels].join(", ")} connections`);

  const most = (name: string) => closed.get(64)?.get(name)?.perSecond ?? 0;
  const halfOf = (some: readonly Running[]) =>
    Math.min(...some.map(({ contender }) => most(contender.name))) / 2;
  const arrivals = (some: readonly Running[], rate: number) =>
    openRounds(oneRoundAnd(plan.openRounds, some), loader, rate, plan.openSeconds);
  // Half of what Python can do is a rate that nobody else would notice.
  const light = running.filter(({ contender }) => contender.runtime !== "python");
  const open = await arrivals(light, halfOf(light));
  step("open loop, half of what the slowest can do");

  const own = halfOf(comparedIn(running));
  const able = running.filter(({ contender }) => most(contender.name) > own * 1.25);
  const halfLoad = await arrivals(able, own);
  step("open loop, half of what this gateway can do");
  await field.stop();

  const measured = new Map<string, Measured>(
    running.map(({ contender: { name }, coldStart }) => [
      name,
      {
        coldStart: median([...(starts.get(name) ?? []), coldStart]),
        atRest: rest.get(name) ?? Number.NaN,
        closed: Object.fromEntries(
          [...closed].flatMap(([level, figures]) => {
            const one = figures.get(name);
            return one === undefined ? [] : [[level, one]];
          }),
        ),
        open: open.get(name),
        halfLoad: halfLoad.get(name),
      },
    ]),
  );
  return { measured, out, mountedStart: median(starts.get(mountedGateway.name) ?? []) };
}
