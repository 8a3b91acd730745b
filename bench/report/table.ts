import { mountedGateway } from "../contenders/gateway.ts";
import { rows } from "./ratios.ts";
import type { Results } from "./results.ts";
import { type Target, isMet } from "./targets.ts";

/** A table as text: a head, and rows of as many cells. */
export type Table = {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** Everything a reader is shown, in order. Ratios first: absolute figures are this machine's. */
export function tables(results: Results, reached: readonly Target[]): readonly Table[] {
  return [
    throughput(results),
    streaming(results),
    resources(results),
    connections(results),
    openLoop(results),
    bodies(results),
    features(results),
    growth(results),
    goals(reached),
    ...(results.out.length === 0 ? [] : [absent(results)]),
  ];
}

function throughput(results: Results): Table {
  return {
    title: "Small requests",
    head: [
      "",
      "job",
      "throughput of bare",
      "added ms",
      "p99 ms at half of the slowest's",
      "at half of this gateway's",
      "CPU us",
    ],
    rows: rows(results).map((row) => [
      row.title,
      row.job,
      ratio(row.throughput),
      row.name === "direct" ? "-" : number(row.added, 3),
      row.openP99 === undefined ? "-" : number(row.openP99, 2),
      row.halfLoadP99 === undefined ? "-" : number(row.halfLoadP99, 2),
      row.name === "direct" ? "-" : number(row.cpu, 0),
    ]),
  };
}

function streaming(results: Results): Table {
  return {
    title: "Streams: 200 at once, an event every 50 ms each",
    head: [
      "",
      "first byte added ms",
      "event added ms",
      "p99",
      "batched",
      "same bytes",
      "of 500 whole",
    ],
    rows: rows(results).map((row, index) => [
      row.title,
      number(row.firstByteAdded, 2),
      number(row.eventAdded, 3),
      number(row.eventAddedP99, 2),
      `${number(row.batched * 100, 1)} %`,
      row.sameBytes ? "yes" : "no",
      String(results.contenders[index]?.streams.at(-1)?.whole ?? "-"),
    ]),
  };
}

function resources(results: Results): Table {
  return {
    title: "Memory and start",
    head: ["", "at rest MB", "at load MB", "500 streams MB", "start to first answer ms"],
    rows: [
      ...rows(results)
        .filter(({ name }) => name !== "direct")
        .map((row) => [
          row.title,
          number(row.atRest, 0),
          number(row.atLoad, 0),
          number(row.streaming, 0),
          number(row.coldStart, 0),
        ]),
      [mountedGateway.title, "-", "-", "-", number(results.mountedStart, 0)],
    ],
  };
}

function connections(results: Results): Table {
  const levels = Object.keys(results.contenders[0]?.closed ?? {}).map(Number);
  return {
    title: "Closed loop: requests per second, p50 and p99 in ms",
    head: ["", ...levels.map((level) => `${level} connections`)],
    rows: results.contenders.map(({ title, closed }) => [
      title,
      ...levels.map((level) => {
        const one = closed[level];
        if (one === undefined) return "-";
        const failed = one.failures === 0 ? "" : `, ${one.failures} failed`;
        return `${number(one.perSecond, 0)}, ${number(one.p50, 2)}, ${number(one.p99, 2)}${failed}`;
      }),
    ]),
  };
}

function openLoop(results: Results): Table {
  return {
    title: "Open loop at half of the slowest's, and of this gateway's, maximum: ms from when due",
    head: ["", "rate", "p50", "p99", "p99.9", "rate", "p50", "p99", "p99.9"],
    rows: results.contenders.map(({ title, open, halfLoad }) => [
      title,
      ...[open, halfLoad].flatMap((one) =>
        one === undefined
          ? ["-", "-", "-", "-"]
          : [number(one.rate, 0), ...[one.p50, one.p99, one.p999].map((ms) => number(ms, 2))],
      ),
    ]),
  };
}

function bodies(results: Results): Table {
  const sizes = Object.keys(results.contenders[0]?.bodies ?? {}).map(Number);
  return {
    title: "Request bodies: per second, and CPU in ms for each",
    head: ["", ...sizes.map((bytes) => `${number(bytes / 1024, 0)} KiB`)],
    rows: results.contenders.map(({ title, bodies: figures }) => [
      title,
      ...sizes.map((bytes) => {
        const one = figures[bytes];
        return one === undefined
          ? "-"
          : `${number(one.perSecond, 0)}, ${number(one.cpu / 1000, 2)}`;
      }),
    ]),
  };
}

function features(results: Results): Table {
  const plain = results.features[0]?.figures;
  return {
    title: "What a feature costs, at 64 connections",
    head: ["", "throughput of no policy", "CPU us", "more", "memory MB"],
    rows: results.features.map(({ title, figures }) => [
      title,
      ratio(figures.perSecond / (plain?.perSecond ?? Number.NaN)),
      number(figures.cpu, 1),
      number(figures.cpu - (plain?.cpu ?? Number.NaN), 1),
      number(figures.memory / 1e6, 0),
    ]),
  };
}

function growth(results: Results): Table {
  return {
    title: "How costs grow",
    head: ["", "cost", "measured", "fixed", "for each"],
    rows: results.growth.map(({ of, unit, cost, points, line }) => [
      of,
      cost,
      points.map(([units, value]) => `${short(units)}: ${short(value)}`).join(", "),
      short(line.fixed),
      `${short(line.perUnit)} per ${unit}`,
    ]),
  };
}

function goals(reached: readonly Target[]): Table {
  return {
    title: "Targets",
    head: ["", "measured", "limit", ""],
    rows: reached.map((target) => [
      target.what,
      ratio(target.measured),
      `${target.bound} ${target.limit}`,
      Number.isNaN(target.measured) ? "not measured" : isMet(target) ? "met" : "MISSED",
    ]),
  };
}

function absent({ out }: Results): Table {
  return {
    title: "Not in this run",
    head: ["", "why"],
    rows: out.map(({ title, why }) => [title, why.split("\n")[0]?.slice(0, 160) ?? ""]),
  };
}

function ratio(value: number): string {
  return number(value, 2);
}

function number(value: number, digits: number): string {
  if (Number.isNaN(value)) return "-";
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function short(value: number): string {
  return Number.isNaN(value) ? "-" : value.toLocaleString("en", { maximumSignificantDigits: 3 });
}
