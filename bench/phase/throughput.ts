import type { Contender } from "../contender.ts";
import { enter } from "../field.ts";
import type { Loader } from "../load/loader.ts";
import { type ClosedFigures, closedRounds, warmUp } from "../measure/closed-loop.ts";
import { atRest } from "../measure/memory.ts";
import { type OpenFigures, openRounds } from "../measure/open-loop.ts";
import { median } from "../measure/statistics.ts";
import { comparedIn, oneRoundAnd, roundsOf } from "../measure/visits.ts";
import type { Plan } from "../plan.ts";
import { type Running, type Surroundings, start } from "../start.ts";

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
  const coldStarts = await measureColdStarts(contenders, around, plan.coldStarts);
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
        coldStart: median([...(coldStarts.get(name) ?? []), coldStart]),
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
  return { measured, out };
}

/** Beyond the one that every phase begins with. Those of Python take too long to be repeated. */
async function measureColdStarts(
  contenders: readonly Contender[],
  around: Surroundings,
  times: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>();
  for (const contender of contenders.filter(({ runtime }) => runtime === "node")) {
    const list: number[] = [];
    for (let time = 0; time < times; time += 1) {
      const { coldStart, child } = await start(contender, around);
      list.push(coldStart);
      await child.stop();
    }
    found.set(contender.name, list);
  }
  return found;
}
