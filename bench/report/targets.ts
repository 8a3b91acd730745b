import { named, rows } from "./ratios.ts";
import type { Results } from "./results.ts";

/** Something the gateway is to reach, and whether it did in this run. */
export type Target = {
  readonly what: string;
  readonly measured: number;
  readonly limit: number;
  readonly bound: "at least" | "at most";
};

export function isMet({ measured, limit, bound }: Target): boolean {
  return bound === "at least" ? measured >= limit : measured <= limit;
}

export function targets(results: Results): readonly Target[] {
  const all = rows(results);
  const of = (name: string) => all.find((row) => row.name === name);
  const gateway = of("gateway");
  const bare = of("node-undici");
  const portkey = of("portkey");
  const others = results.contenders
    .filter(({ runtime, name }) => runtime === "node" && !/^gateway|^node-undici$/.test(name))
    .map(({ closed }) => closed[64]?.perSecond ?? 0);
  const feature = (title: string) =>
    results.features.find((one) => one.title === title)?.figures.perSecond;
  return [
    atLeast("throughput of the bare runtime's", gateway?.throughput, 1, 0.75),
    atLeast("throughput of the next Node contender's", gateway?.perSecond, Math.max(...others), 1),
    atLeast("throughput of Portkey's", gateway?.perSecond, portkey?.perSecond, 12),
    atMost(
      "one request at a time, added, of the bare runtime's",
      gateway?.added,
      bare?.added,
      1.25,
    ),
    atMost(
      "p99 at half of the slowest's load, of the bare runtime's",
      gateway?.openP99,
      bare?.openP99,
      1.3,
    ),
    atMost(
      "p99 at half of its own load, of the bare runtime's",
      gateway?.halfLoadP99,
      bare?.halfLoadP99,
      1.3,
    ),
    atMost("added to a stream's event, ms", gateway?.eventAdded, 1, 0.1),
    atMost("share of events batched", gateway?.batched, 1, 0),
    atMost(
      "first byte of a stream, of the bare runtime's",
      named(results, "gateway")?.firstByte,
      named(results, "node-undici")?.firstByte,
      1.25,
    ),
    atMost("memory with 500 streams, MB", gateway?.streaming, 1, 200),
    atMost("memory at rest, MB", gateway?.atRest, 1, 80),
    atMost("start to first answer, of Portkey's", gateway?.coldStart, portkey?.coldStart, 0.6),
    atMost(
      "start of the mounted bundle, of Portkey's",
      results.mountedStart,
      portkey?.coldStart,
      0.6,
    ),
    atLeast(
      "throughput with 1,000 routes, of one's",
      feature("1,000 routes"),
      feature("no policy"),
      0.9,
    ),
    atLeast(
      "host backend's throughput, of bare express-http-proxy's",
      of("gateway-host")?.perSecond,
      of("express-http-proxy")?.perSecond,
      0.9,
    ),
  ];
}

function atLeast(what: string, value = Number.NaN, to = Number.NaN, limit: number): Target {
  return { what, measured: value / to, limit, bound: "at least" };
}

function atMost(what: string, value = Number.NaN, to = Number.NaN, limit: number): Target {
  return { what, measured: value / to, limit, bound: "at most" };
}
