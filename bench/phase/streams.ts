import type { Contender } from "../contender.ts";
import { type Out, enter } from "../field.ts";
import type { Loader } from "../load/loader.ts";
import { type ClosedFigures, closedOnce, warmUp } from "../measure/closed-loop.ts";
import { type Growth, bodyGrowth, memoryGrowth } from "../measure/growth.ts";
import { bodySizes, qualify } from "../measure/qualify.ts";
import { type StreamFigures, firstBytes, streams } from "../measure/streaming.ts";
import { comparedIn, roundsOf } from "../measure/visits.ts";
import type { Plan } from "../plan.ts";
import { settle } from "../process/usage.ts";
import { type Running, type Surroundings, start } from "../start.ts";

type Measured = {
  readonly coldStart: number;
  readonly firstByte: number;
  readonly streams: readonly StreamFigures[];
  readonly bodies: Readonly<Record<number, ClosedFigures>>;
};

/** Streams, and bodies too large for an upstream that does not read them: against the Node upstream. */
export async function measureStreams(
  contenders: readonly Contender[],
  around: Surroundings,
  loader: Loader,
  plan: Plan,
  step: (what: string) => void,
) {
  const field = await enter(contenders, around, (running) => qualify(running, loader));
  for (const { title, why } of field.out) step(`out: ${title}: ${why.split("\n")[0]}`);
  const out = [...field.out];
  const measured = new Map<string, Measured>();
  const growth: Growth[] = [];
  await warmUp(field.running, loader, plan.warmUp / 2);
  const streamed = new Map<string, readonly StreamFigures[]>();
  for (const running of field.running) {
    streamed.set(running.contender.name, await manyStreams(running, loader, plan.streamEvents));
    step(`streams: ${running.contender.title}`);
  }
  // Now that what carries a stream is compiled.
  const rounds = roundsOf(field.running, plan.firstByteRounds);
  const first = await firstBytes(rounds, loader, plan.firstBytes);
  step("first bytes");
  // Large bodies come last: what they leave in memory is not the streams'.
  for (const running of field.running) {
    const { name } = running.contender;
    const wrong = await qualify(
      running,
      loader,
      bodySizes.map((bytes) => ({ bytes })),
    );
    if (wrong !== undefined) {
      out.push({ title: running.contender.title, why: wrong });
      continue;
    }
    measured.set(name, {
      coldStart: running.coldStart,
      firstByte: first.get(name) ?? Number.NaN,
      streams: streamed.get(name) ?? [],
      bodies: await bodies(running, loader),
    });
    step(`bodies: ${running.contender.title}`);
  }
  await field.stop();
  // Memory tells how it grows only in a process that has not been through all this.
  for (const { contender } of comparedIn(field.running)) {
    const fresh = await start(contender, around);
    growth.push(...(await memoryGrowth(fresh, loader)), await bodyGrowth(fresh, loader));
    await fresh.child.stop();
  }
  return { measured, growth, out: out satisfies readonly Out[] };
}

/** @param events of each of the fewer streams, 50 ms apart; the more come half as often, as long */
async function manyStreams(
  running: Running,
  loader: Loader,
  events: number,
): Promise<readonly StreamFigures[]> {
  const fewer = { count: 200, events, every: 50 };
  const more = { count: 500, events: Math.ceil(events / 2), every: 100 };
  return [await streams(running, loader, fewer), await streams(running, loader, more)];
}

/** The more a body weighs, the fewer of them at once. */
async function bodies(
  running: Running,
  loader: Loader,
): Promise<Readonly<Record<number, ClosedFigures>>> {
  const { target } = running;
  await loader.closed({ target, ask: { bytes: 100 * 1024 }, connections: 8, seconds: 1 });
  const figures: Record<number, ClosedFigures> = {};
  for (const bytes of bodySizes) {
    const connections = bytes > 10 * 1024 * 1024 ? 2 : 8;
    figures[bytes] = await closedOnce(running, loader, { connections, seconds: 1, ask: { bytes } });
  }
  await settle(running.child.pid);
  return figures;
}
