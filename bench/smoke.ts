// A few seconds: does every contender start, and does it do its job? No figure is taken.
import { contenders, peersInstalled } from "./contenders.ts";
import { compileContenders } from "./contenders/compile.ts";
import { startIdentity } from "./identity.ts";
import { small } from "./job.ts";
import { startLoader } from "./load/loader.ts";
import { qualify } from "./measure/qualify.ts";
import { planCores } from "./process/cores.ts";
import { temporaryDirectory } from "./process/temporary.ts";
import { start } from "./start.ts";
import { startJudge } from "./upstream/start-judge.ts";

await compileContenders();
const directory = temporaryDirectory("foundry-gateway-smoke-");
const cores = planCores();
const identity = await startIdentity();
const upstream = await startJudge(cores);
const loader = startLoader(cores, directory);
const around = { directory, upstream, core: cores.contender, identity: identity.environment };
let failed = 0;

for (const contender of contenders) {
  const absent = contender.absent();
  if (absent !== undefined) {
    const excused = contender.runtime !== "node" || !peersInstalled;
    if (!excused) failed += 1;
    say(contender.name, `${excused ? "skipped" : "MISSING"}: ${absent}`);
    continue;
  }
  try {
    const running = await start(contender, around);
    const wrong = await qualify(running, loader, [
      small,
      { bytes: 100 * 1024 },
      { bytes: 1024 * 1024 },
    ]);
    await running.child.stop();
    if (wrong !== undefined) throw new Error(wrong);
    say(contender.name, "does its job");
  } catch (error) {
    failed += 1;
    say(contender.name, `FAILED: ${error instanceof Error ? error.message : String(error)}`);
  }
}

await loader.stop();
await upstream.stop();
await identity.close();
process.exitCode = failed === 0 ? 0 : 1;

function say(name: string, what: string): void {
  console.log(`${name.padEnd(20)} ${what}`);
}
