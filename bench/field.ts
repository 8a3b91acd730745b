import type { Contender } from "./contender.ts";
import { type Running, type Surroundings, start } from "./start.ts";

/** Contenders that run, and why the others do not. */
export type Field = {
  readonly running: readonly Running[];
  readonly out: readonly Out[];
  stop(): Promise<void>;
};

export type Out = { readonly title: string; readonly why: string };

/** Starts contenders one after the other, each alone, and drops those that do not do their job. */
export async function enter(
  contenders: readonly Contender[],
  around: Surroundings,
  proof: (running: Running) => Promise<string | undefined> = async () => undefined,
): Promise<Field> {
  const running: Running[] = [];
  const out: Out[] = [];
  for (const contender of contenders) {
    const { title } = contender;
    try {
      const absent = contender.absent();
      if (absent !== undefined) throw new Error(absent);
      const started = await start(contender, around);
      const wrong = await proof(started);
      if (wrong === undefined) running.push(started);
      else {
        await started.child.stop();
        throw new Error(wrong);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      out.push({ title, why: why.replaceAll(`${around.directory}/`, "") });
    }
  }
  return {
    running,
    out,
    async stop() {
      await Promise.all(running.map(({ child }) => child.stop()));
    },
  };
}
