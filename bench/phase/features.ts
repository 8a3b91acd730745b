import { type Out, enter } from "../field.ts";
import type { Loader } from "../load/loader.ts";
import { type ClosedFigures, closedRounds, warmUp } from "../measure/closed-loop.ts";
import { featureVariants } from "../measure/features.ts";
import { roundsOf } from "../measure/visits.ts";
import { type Growth, growth } from "../measure/growth.ts";
import type { Plan } from "../plan.ts";
import type { Feature } from "../report/results.ts";
import type { Surroundings } from "../start.ts";

const connections = 64;

/** Gateways that differ in one thing, side by side. */
export async function measureFeatures(
  around: Surroundings,
  loader: Loader,
  plan: Plan,
  step: (what: string) => void,
): Promise<{ features: readonly Feature[]; growth: readonly Growth[]; out: readonly Out[] }> {
  const field = await enter(await featureVariants(), around);
  for (const { title, why } of field.out) step(`out: ${title}: ${why.split("\n")[0]}`);
  const { running, out } = field;
  await warmUp(running, loader, plan.warmUp);
  const rounds = roundsOf(running, plan.featureRounds);
  const { runIn, window: seconds } = plan;
  const measured = await closedRounds(rounds, loader, { levels: [connections], runIn, seconds });
  const figures = measured.get(connections) ?? new Map<string, ClosedFigures>();
  await field.stop();

  const features = running.flatMap(({ contender: { name, title } }) => {
    const one = figures.get(name);
    return one === undefined ? [] : [{ title, figures: one }];
  });
  const routes = [1, 10, 100, 1000].flatMap((count) => {
    const title = count === 1 ? "no policy" : `${count.toLocaleString("en")} routes`;
    const cpu = figures.get(title)?.cpu;
    return cpu === undefined ? [] : [[count, cpu] as const];
  });
  const byRoutes = growth("this gateway, no policy", "route", "us of processor time", routes);
  return { features, growth: [byRoutes], out };
}
