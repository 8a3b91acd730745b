// What the gateway costs, next to others, in one run.
// --quick only shows the harness at work; --only=a,b measures the named contenders alone.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { contenders } from "./contenders.ts";
import { compileContenders } from "./contenders/compile.ts";
import { installLitellm } from "./contenders/litellm.ts";
import { startIdentity } from "./identity.ts";
import { startLoader } from "./load/loader.ts";
import { measureFeatures } from "./phase/features.ts";
import { measureStreams } from "./phase/streams.ts";
import { measureThroughput } from "./phase/throughput.ts";
import { full, quick } from "./plan.ts";
import { planCores } from "./process/cores.ts";
import { temporaryDirectory } from "./process/temporary.ts";
import { busyShare, describeMachine } from "./report/machine.ts";
import type { Results } from "./report/results.ts";
import { targets } from "./report/targets.ts";
import { terminal } from "./report/terminal.ts";
import { writeResults } from "./report/write.ts";
import { nginxVersion, startNginxUpstream } from "./upstream/nginx.ts";
import { approvedLengths, startJudge } from "./upstream/start-judge.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    name: { type: "string", default: "latest" },
  },
});
const plan = values.quick ? quick : full;
const only = values.only?.split(",");
const chosen = contenders.filter(({ name }) => only === undefined || only.includes(name));
const busyBefore = await busyShare();
const started = performance.now();
const directory = temporaryDirectory("foundry-gateway-bench-run-");
const cores = planCores();

if (chosen.some(({ name }) => name === "litellm")) {
  step("LiteLLM from PyPI, unless it is here");
  const missing = installLitellm();
  if (missing !== undefined) step(missing);
}
await compileContenders();
const identity = await startIdentity();
const loader = startLoader(cores, directory);
const judge = await startJudge(cores);
const near = { directory, core: cores.contender, identity: identity.environment };

step("start, proof of the job, large bodies, streams (upstream in Node)");
const first = await measureStreams(chosen, { ...near, upstream: judge }, loader, plan, step);

const lengths = {
  plain: await approvedLengths(judge, "plain"),
  model: await approvedLengths(judge, "model"),
};
const fast =
  nginxVersion() === undefined ? judge : await startNginxUpstream(directory, cores, lengths);
const around = { ...near, upstream: fast };
const proven = chosen.filter(({ name }) => first.measured.has(name));

step(`throughput, latency, memory (upstream ${fast.kind})`);
const second = await measureThroughput(proven, around, loader, plan, step);

step("what each feature costs, and how costs grow");
const third = await measureFeatures(around, loader, plan, step);

const results: Results = {
  machine: describeMachine(fast.kind, loader.closedBy, cores, busyBefore),
  seconds: (performance.now() - started) / 1000,
  contenders: proven.flatMap((contender) => {
    const one = first.measured.get(contender.name);
    const two = second.measured.get(contender.name);
    const { name, title, job, runtime } = contender;
    return one === undefined || two === undefined
      ? []
      : [{ name, title, job, runtime, ...one, ...two }];
  }),
  out: [...first.out, ...second.out, ...third.out],
  mountedStart: second.mountedStart,
  features: third.features,
  growth: [...first.growth, ...third.growth],
};

await loader.stop();
if (fast !== judge) await fast.stop();
await judge.stop();
await identity.close();

const folder = join(import.meta.dirname, "results");
mkdirSync(folder, { recursive: true });
writeResults(folder, values.name, results);
console.log(terminal(results, targets(results)));
console.log(`\nwritten to bench/results/${values.name}.json, .md and .svg`);

function step(what: string): void {
  const at = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${at} s  ${what}\n`);
}
